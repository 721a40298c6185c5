"""Requests that are meant for this host: the check of ``Host`` and ``Origin`` that every local server makes."""

from collections.abc import Collection, Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit


def is_addressed(headers: Mapping[str, str], host_names: Collection[str]) -> bool:
    """Return whether a request is for this host, and not from a web page of another one.

    A page whose name leads here (DNS rebinding) sends its name as the host, and any page sends its origin with what it
    may not read (https://fetch.spec.whatwg.org/#origin-header). Another port of this machine is another origin.

    Args:
        headers: names in lower case.
        host_names: names of the host besides ``localhost`` and IP addresses, in lower case.
    """
    host, origin = headers.get("host"), headers.get("origin")
    if host is not None and not _is_local(f"//{host}", host_names):
        return False
    return origin is None or origin == f"http://{host}" or _has_name(origin, host_names)


def _has_name(url: str, names: Collection[str]) -> bool:
    """Return whether it is an origin by a name that the user has given, at whatever port; addresses are no names."""
    try:
        name = urlsplit(url).hostname or ""
        return name in names and not _is_local(url, ())
    except ValueError:
        return False


def _is_local(url: str, host_names: Collection[str]) -> bool:
    try:
        name = urlsplit(url).hostname or ""
        if name == "localhost" or name.endswith(".localhost") or name in host_names:
            return True
        ip_address(name)
    except ValueError:
        return False
    return True
