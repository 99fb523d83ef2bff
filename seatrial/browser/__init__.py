"""The program beside Chromium: it opens one page and takes its picture."""
