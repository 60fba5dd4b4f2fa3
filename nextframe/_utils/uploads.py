"""Uploaded files, in the formats of the two versions of ipywidgets that are in use."""

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any


def read_upload(value: Mapping[str, Mapping[str, Any]] | Sequence[Mapping[str, Any]]) -> tuple[str, bytes] | None:
    """Return name and content of the last file that a `FileUpload` holds, or None where it holds none.

    Args:
        value: The widget's. In ipywidgets 7, which Colab has: name → {"metadata": …, "content": bytes}. In
            ipywidgets 8: a tuple of {"name": …, "content": memoryview, …}.

    Returns:
        The file's name, without folders, and its bytes.
    """
    if not value:
        return None
    if isinstance(value, Mapping):
        name, file = list(value.items())[-1]
    else:
        file = value[-1]
        name = file["name"]
    # a file here gets this name, and must not lie outside its folder
    last = PurePosixPath(name.replace("\\", "/")).name
    return last if last.strip(".") else "upload", bytes(file["content"])
