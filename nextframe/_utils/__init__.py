"""What the house needs and no chapter imports: files, checks of arguments, downloads, ffmpeg, logging."""
