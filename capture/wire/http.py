"""The head of an HTTP/1 request (RFC 9112): whom it asks for what, and the size of its body."""

from __future__ import annotations

from workbench.event import Value

_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "PATCH"))


def request(data: bytes, *, body: bool = False) -> dict[str, Value] | None:
    r"""Give the fields of a request's head, and its first bytes of body when asked for; None when it is none.

    >>> request(b"POST /u?k=1 HTTP/1.1\r\nHost: a.example\r\nContent-Length: 9\r\n\r\nsecret")["url.full"]
    'http://a.example/u?k=1'
    """
    top, _, content = data.partition(b"\r\n\r\n")
    head = top.decode("latin-1").split("\r\n")
    method, _, rest = head[0].partition(" ")
    target, _, version = rest.rpartition(" ")
    if method not in _METHODS or not version.startswith("HTTP/1"):
        return None
    fields: dict[str, Value] = {"http.request.method": method}
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])
    }
    host = headers.get("host", "")
    if method == "CONNECT":
        host = target
    elif target.startswith(("http://", "https://")):
        host, slash, path = target.partition("://")[2].partition("/")
        fields["url.path"] = (slash + path).partition("?")[0] or "/"
    else:
        fields["url.path"] = target.partition("?")[0]
    if host and method != "CONNECT":
        fields["url.full"] = target if "://" in target else f"http://{host}{target}"
    if host:
        fields["url.domain"] = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    if agent := headers.get("user-agent"):
        fields["user_agent.original"] = agent
    if (size := headers.get("content-length", "")).isdecimal() and len(size) < 16:
        fields["http.request.body.bytes"] = int(size)
    if body and content:
        fields["http.request.body.content"] = content.decode(errors="replace")
    return fields
