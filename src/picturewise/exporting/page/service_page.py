"""`service_page`: the page of the HTTP service, which sends it the pictures."""

from __future__ import annotations

from picturewise.exporting.page.page_template import asset, filled, script_of

_SCRIPTS = ("asking.js", "service.js")


def service_page(version: str, most_bytes: int) -> bytes:
    """Return the content of the HTML file, the same for all models: the page asks the service for them.

    Its policy allows only the script and the style whose digests it names, and connections to where it comes from. It
    holds no secrets; if the service asks for a token, so does the page. It needs a browser of 2023 or later.

    Args:
        version: of Picturewise.
        most_bytes: of a picture file, above which the page does not send it.
    """
    parts = {
        "promise": "Your pictures are sent to this service, which does not keep them.",
        "service": asset("service.html"),
        "accepted": "image/*,.tif,.tiff,.heic,.heif,.avif,.pbm,.pgm,.ppm,.pnm",
        "forms": "PNG, JPEG, WebP, GIF, BMP, TIFF, AVIF and PPM",
        "licences": "",
        "model": "",
    }
    facts = {"version": version, "mostBytes": most_bytes}
    return filled(parts, {"connect-src": "'self'"}, facts, script_of(_SCRIPTS))
