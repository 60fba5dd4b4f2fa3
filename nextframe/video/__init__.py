"""Your own video: from a file to the frame after its last."""

from nextframe.video.forecast import forecast_video

__all__ = ["forecast_video"]
