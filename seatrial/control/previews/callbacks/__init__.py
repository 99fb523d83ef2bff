"""One stable host per project, which people register where others sign in, and which leads back to the preview that began."""
