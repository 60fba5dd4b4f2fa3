"""Internal helpers: files, validation of arguments, downloads, ffmpeg, logging."""
