"""Text of others in CSV, which spreadsheets read."""

# A spreadsheet takes what begins like this for a formula, and runs it.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def safe(text: str) -> str:
    """`text`, so that a spreadsheet shows it and does not run it."""
    text = text.encode(errors="replace").decode()
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA) else text
