"""Downloads: fetched once, checked, and never left half written."""

import os
from pathlib import Path
from urllib.error import ContentTooShortError

import keras

from nextframe._utils.files import cache_folder


def fetch(url: str, checksum: str, folder: str | os.PathLike | None = None, attempts: int = 3) -> Path:
    """Return the path of a file from the network; download it unless a good copy is there.

    Args:
        url: Where it is.
        checksum: Its SHA-256, or MD5 where nothing better was published, in hexadecimal.
        folder: Where it is kept. Default: `cache_folder()`.
        attempts: How often to try a download that breaks off.

    Raises:
        ConnectionError: It cannot be reached, or broke off each time.
        ValueError: The downloaded file has another checksum; it is deleted.
    """
    folder = cache_folder() if folder is None else Path(folder)
    folder.mkdir(parents=True, exist_ok=True)  # without the folder, get_file falls back to another one silently
    name = url.rsplit("/", 1)[-1]
    while True:
        attempts -= 1
        try:
            return Path(keras.utils.get_file(name, url, file_hash=checksum, cache_dir=str(folder), cache_subdir=""))
        except ValueError as error:
            (folder / name).unlink(missing_ok=True)
            raise ValueError(
                f"{url} is not the file that was expected (its checksum is not {checksum}), and was deleted: "
                "try again; if this persists, the address serves another file"
            ) from error
        except Exception as error:  # Keras raises no narrower one
            broken_off = isinstance(error, ConnectionResetError) or isinstance(error.__context__, ContentTooShortError)
            if not broken_off or attempts < 1:
                raise ConnectionError(
                    f"{url} could not be fetched ({error}): connect to the network; or choose EfficientNetLite0, whose "
                    "weights ship with nextframe, or weights=None"
                ) from error
