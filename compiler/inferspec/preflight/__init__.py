"""What a platform needs from Google Cloud before its pods start, and whether it is there: ``inferspec preflight``. It only reads."""
