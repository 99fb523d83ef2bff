"""Documentation.

Pages that can be followed: links that lead somewhere, a README with what people look for, code blocks that are whole, pictures with words.
"""
