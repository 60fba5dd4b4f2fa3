"""A weights file served from this machine: the right one, a wrong one, and one whose connection breaks off."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from nextframe._utils import downloads, files

FILE = bytes(range(256)) * 400
CHECKSUM = hashlib.sha256(FILE).hexdigest()


@pytest.fixture
def server():
    """Serve FILE at /right.h5, something else at /wrong.h5, and half of it as often as `broken` says at /cut.h5."""

    class Handler(BaseHTTPRequestHandler):
        broken, asked = 1, 0

        def do_GET(self):
            Handler.asked += 1
            body = b"x" + FILE[1:] if self.path == "/wrong.h5" else FILE
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            cut = self.path == "/cut.h5" and Handler.asked <= Handler.broken
            self.wfile.write(body[: len(body) // 2] if cut else body)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server.handler, server.url = Handler, f"http://127.0.0.1:{server.server_port}"
    yield server
    server.shutdown()
    server.server_close()


def test_the_right_file_is_fetched_once(server, tmp_path):
    path = downloads.fetch(f"{server.url}/right.h5", CHECKSUM, tmp_path / "new")
    assert path.read_bytes() == FILE
    assert downloads.fetch(f"{server.url}/right.h5", CHECKSUM, tmp_path / "new") == path
    assert server.handler.asked == 1


def test_a_wrong_file_is_refused_and_deleted(server, tmp_path):
    with pytest.raises(ValueError, match=r"wrong\.h5 is not the file that was expected .* was deleted"):
        downloads.fetch(f"{server.url}/wrong.h5", CHECKSUM, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_connection_that_breaks_off_is_begun_again(server, tmp_path):
    assert downloads.fetch(f"{server.url}/cut.h5", CHECKSUM, tmp_path).read_bytes() == FILE
    assert server.handler.asked == 2


def test_one_that_always_breaks_off_leaves_nothing(server, tmp_path):
    server.handler.broken = 99
    with pytest.raises(ConnectionError, match="could not be fetched"):
        downloads.fetch(f"{server.url}/cut.h5", CHECKSUM, tmp_path)
    assert server.handler.asked == 3
    assert not list(tmp_path.iterdir())


def test_a_damaged_copy_is_fetched_again(server, tmp_path):
    (tmp_path / "right.h5").write_bytes(FILE[:100])  # as a process that was killed leaves it
    assert downloads.fetch(f"{server.url}/right.h5", CHECKSUM, tmp_path).read_bytes() == FILE


def test_no_network(tmp_path):
    with pytest.raises(ConnectionError, match="EfficientNetLite0, whose weights ship"):
        downloads.fetch("http://127.0.0.1:9/file.h5", CHECKSUM, tmp_path)
    assert not list(tmp_path.iterdir())


def test_cache_folder_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("NEXTFRAME_CACHE", str(tmp_path))
    assert files.cache_folder() == tmp_path
