"""First bytes of conversations, which whoever is traced may choose at will."""

from __future__ import annotations

import contextlib
import ssl
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from capture.strace.parse import Reader, arguments, unquote
from capture.wire import dns, http, smtp, tls


def hello(name: str) -> bytes:
    """A real ClientHello, as OpenSSL writes it."""
    into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
    connection = ssl.create_default_context().wrap_bio(into, out, server_hostname=name)
    with contextlib.suppress(ssl.SSLWantReadError):
        connection.do_handshake()
    return out.read()


@given(st.binary(max_size=600))
@example(b"\0\0\x01\0\0\1\0\0\0\0\0\0\xc0\x0c\0\1\0\1")
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    dns.parse(data)
    tls.server_name(data)
    http.request(data, body=True)
    smtp.envelope(data)
    smtp.envelope(b"RCPT TO:<" + data)


def test_an_envelope_takes_time_in_proportion() -> None:
    for text in (b'"' * 300_000, b"<" * 300_000, b'"\\' * 100_000, b"\n" * 300_000, b" " * 300_000):
        began = time.process_time()
        smtp.envelope(b"RCPT TO:<a@b.example>\r\nRCPT TO:<" + text)
        assert time.process_time() - began < 0.5


ROUTE = "@" + "r.example,@" * 60 + "s.example:a@b.example"


@pytest.mark.parametrize(
    ("said", "sender", "recipients"),
    [
        (b"MAIL FROM:<ada@a.example>\r\n", "ada@a.example", None),
        (b"mail FROM:<ada@a.example> size=120 BODY=8BITMIME\r\n", "ada@a.example", None),
        (b"rcpt TO:<team@b.example>\r\n", None, ["team@b.example"]),
        (b"RCPT TO: <team@b.example> NOTIFY=NEVER\n", None, ["team@b.example"]),
        (b"RCPT TO:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n", None, ["a@b.example", "c@d.example"]),
        (b"RCPT TO:<a@b.example>\r\nNOOP\r\nRCPT TO:<c@d.example>\r\n", None, ["a@b.example", "c@d.example"]),
        (b"RCPT TO:<a@b.example>\r\nDATA\r\nRCPT TO:<c@d.example>\r\n", None, ["a@b.example"]),
        (b"RCPT TO:a@b.example\r\n", None, ["a@b.example"]),
        (b"RCPT TO:  <a@b.example>\r\n", None, ["a@b.example"]),
        (b'RCPT TO:<"a>b"@c.example>\r\n', None, ['"a>b"@c.example']),
        (b"RCPT TO:<@" + b"r.example,@" * 60 + b"s.example:a@b.example>\r\n", None, [ROUTE]),
    ],
)
def test_the_envelope_of_a_mail(said: bytes, sender: str | None, recipients: list[str] | None) -> None:
    envelope = smtp.envelope(said) or {}
    assert envelope.get("email.sender.address") == sender
    assert envelope.get("email.to.address") == recipients


@pytest.mark.parametrize(
    "said",
    [
        b"MAIL FROM:<>\r\n",
        b"MAIL the totals\r\n",
        b"RCPT TO:<a@b.example\r\nDATA",
        b"DATA\r\nRCPT TO:<a@b.example>\r\n",
    ],
)
def test_what_is_no_envelope(said: bytes) -> None:
    assert smtp.envelope(said) is None


@given(st.integers(min_value=0, max_value=600))
def test_a_cut_hello_gives_the_name_or_nothing(length: int) -> None:
    assert tls.server_name(hello("model.example")[:length]) in (None, "model.example")


def test_a_whole_hello_gives_the_name() -> None:
    assert tls.server_name(hello("model.example")) == "model.example"


def test_a_pointer_that_goes_in_circles_is_refused() -> None:
    head = b"\0\x07\x01\0\0\1\0\0\0\0\0\0"
    assert dns.parse(head + b"\1a\xc0\x0c\0\1\0\1") is None


def test_a_dot_within_a_label_stays_apart_from_one_between() -> None:
    message = dns.parse(b"\0\x07\x01\0\0\1\0\0\0\0\0\0" + b"\3a.b\3com\0\0\1\0\1")
    assert message is not None
    assert message.name == "a\\.b.com"


@given(st.text(max_size=300))
def test_any_line_of_strace_is_read_or_refused(text: str) -> None:
    arguments(text)
    unquote(text)
    Reader().read(text)
    Reader().read(f"1 1.000001 openat({text}) = 3")


def test_the_head_of_a_request_and_not_its_body() -> None:
    data = b"POST /u?k=1 HTTP/1.1\r\nHost: a.example:80\r\nContent-Length: 9\r\n\r\nsecret"
    assert http.request(data) == {
        "http.request.method": "POST",
        "url.path": "/u",
        "url.full": "http://a.example:80/u?k=1",
        "url.domain": "a.example",
        "http.request.body.bytes": 9,
    }
