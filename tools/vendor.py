"""Copy the scripts that the pages need from the packages that publish them, so that no page asks another site.

    npm pack mathjax@3.2.2 onnxruntime-web@1.22.0 && python tools/vendor.py mathjax-3.2.2.tgz onnxruntime-web-1.22.0.tgz

Each package is checked against its SHA-256 before anything is written. The files go to book/site, whose content
Sphinx copies to the site's root: in book/static, Jupyter Book would load each of them on every page.
"""

import gzip
import sys
import tarfile
from pathlib import Path

from nextframe._utils.files import sha256

VENDOR = Path(__file__).resolve().parents[1] / "book" / "site" / "vendor"
FONTS = "package/es5/output/chtml/fonts/woff-v2/"
# package: (its SHA-256, folder, files taken and their destinations; of a folder, all files)
PACKAGES = {
    "mathjax-3.2.2.tgz": (
        "1b9c0a1c44df864e915690558e72adb9cc5203360daefd385084ced3b6c64c09",
        "mathjax",
        {
            "package/LICENSE": "LICENSE.txt",
            "package/es5/tex-chtml.js": "tex-chtml.js",
            FONTS: "output/chtml/fonts/woff-v2/",
        },
    ),
    "onnxruntime-web-1.22.0.tgz": (
        "e293551f9d36d003e293d0f2937fee7b3dfdcef76d71d1449b55e2d4157c7aea",
        "onnxruntime",
        {
            "package/dist/ort.wasm.min.mjs": "ort.wasm.min.mjs",
            "package/dist/ort-wasm-simd-threaded.mjs": "ort-wasm-simd-threaded.mjs",
            # a quarter of its size when compressed: the page unpacks it, on any server
            "package/dist/ort-wasm-simd-threaded.wasm": "ort-wasm-simd-threaded.wasm.gz",
        },
    ),
}


def vendor(archive: Path) -> None:
    """Write the files taken from one package."""
    expected, folder, files = PACKAGES[archive.name]
    found = sha256(archive)
    if found != expected:
        raise SystemExit(f"{archive} has the SHA-256 {found}; expected {expected}: download it again")
    with tarfile.open(archive) as tar:
        for member in tar.getmembers():
            for source, target in files.items():
                if member.name == source or (source.endswith("/") and member.name.startswith(source)):
                    path = VENDOR / folder / (target + member.name.removeprefix(source))
                    path.parent.mkdir(parents=True, exist_ok=True)
                    file = tar.extractfile(member)
                    assert file  # not a folder
                    content = file.read()
                    path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)
                    print(path.relative_to(VENDOR), f"{path.stat().st_size:,} bytes")


if __name__ == "__main__":
    for name in sys.argv[1:] or sys.exit(__doc__):
        if Path(name).name not in PACKAGES:
            raise SystemExit(f"{name}: expected one of {', '.join(PACKAGES)}")
        vendor(Path(name))
