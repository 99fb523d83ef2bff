"""An evaluation as other tools read it: SARIF, JUnit, CSV, Markdown."""
