"""Which files are read as pictures, by their ending, and what would read those that are not."""

from __future__ import annotations

from PIL import features

_AVIF = features.check("avif")  # Pillow before 11.3, and some builds of later ones, cannot

# What is decoded, whatever the file is called; and the endings that make a file in a folder a picture.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "DIB", *(("AVIF",) if _AVIF else ()))
SUFFIXES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".webp", ".bmp", ".dib", ".gif", ".tif", ".tiff",
    *((".avif",) if _AVIF else ()),
)  # fmt: skip

_CONVERT = "convert it to JPEG or PNG first"
_KINDS: dict[str, tuple[str, ...]] = {
    f"pillow-heif reads it; {_CONVERT}": (".heic", ".heics", ".heif", ".heifs", ".hif"),
    f"a JPEG 2000 picture: {_CONVERT}": (".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx"),
    f"a JPEG XL picture, which pillow-jxl-plugin reads: {_CONVERT}": (".jxl",),
    f"a camera's raw file, which rawpy reads: {_CONVERT}": (
        ".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dng", ".erf", ".iiq", ".kdc", ".mrw", ".nef", ".nrw", ".orf", ".pef",
        ".raf", ".raw", ".rw2", ".sr2", ".srw", ".x3f",
    ),
    f"a vector drawing, which CairoSVG reads: {_CONVERT}": (".svg", ".svgz"),
    f"a document, which pdf2image or Ghostscript reads: {_CONVERT}": (".pdf", ".eps", ".ps", ".ai"),
    "an editor's project file: export it as JPEG or PNG first": (".psd", ".psb", ".xcf", ".kra", ".afphoto"),
    f"a rare picture format: {_CONVERT}": (
        ".bpg", ".cur", ".dds", ".emf", ".flif", ".icns", ".ico", ".jls", ".jxr", ".pbm", ".pcx", ".pgm", ".pnm", ".ppm",
        ".qoi", ".ras", ".sgi", ".tga", ".wdp", ".wmf", ".xbm", ".xpm",
    ),
    f"a picture of measured values (OpenEXR, Radiance, FITS, DICOM): {_CONVERT}": (
        ".exr", ".hdr", ".pfm", ".fits", ".fit", ".fts", ".dcm", ".dicom", ".nii",
    ),
    "an array, not a picture file: save it as PNG first": (".npy", ".npz", ".mat", ".h5", ".hdf5"),
    "a video: save single frames as JPEG first, for example with ffmpeg": (
        ".3gp", ".avi", ".avifs", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ogv",
        ".webm", ".wmv",
    ),
    "an archive: unpack it first": (".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".rar", ".7z"),
}  # fmt: skip

# Endings of pictures, and of what holds pictures, that are not read -> what to do about it.
UNREAD: dict[str, str] = {suffix: what for what, suffixes in _KINDS.items() for suffix in suffixes}
if not _AVIF:
    UNREAD[".avif"] = f"Pillow 11.3 or later reads it: upgrade Pillow, or {_CONVERT}"
