"""HTTP and mail inside TLS, seen where OpenSSL takes it, and redacted."""

from __future__ import annotations

import datetime
import shutil
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from capture.bcc.openssl import exports
from capture.recorder import record

pytestmark = [pytest.mark.live, pytest.mark.means("tls-plaintext")]
PYTHON = "/usr/bin/python3"


def certificate(directory: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sink.example")])
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + datetime.timedelta(days=1))
    paths = directory / "cert.pem", directory / "key.pem"
    paths[0].write_bytes(made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths


def looks_into(program: str) -> bool:
    found = shutil.which(program)
    return found is not None and (program != "node" or exports(Path(found).resolve()))


@pytest.mark.parametrize(
    ("program", "script"),
    [
        pytest.param(
            program,
            script,
            id=name,
            marks=pytest.mark.skipif(not looks_into(program), reason=f"needs {name} with OpenSSL"),
        )
        for name, program, script in (
            ("libssl", PYTHON, "tls_client.py"),
            ("node", "node", "tls_client.js"),
        )
    ],
)
def test_a_request_inside_tls_is_told_once_and_redacted(program: str, script: str, tmp_path: Path) -> None:
    command = [program, str(Path(__file__).with_name(script)), *map(str, certificate(tmp_path))]
    recording = record(
        command, tmp_path / "r", source="bcc", settings={"tls_plaintext": True, "bodies": True}
    )
    assert recording.session.exit_code == 0
    (request,) = [e for e in recording.events() if e["event.action"] == "http_request"]
    assert request["http.request.method"] == "POST"
    assert (request["url.domain"], request["url.path"]) == ("sink.example", "/v1/upload")
    assert request["http.request.body.bytes"] == 17
    if program != "node":  # which gives what it encrypted to the socket later, by another call
        assert request["destination.ip"] == "127.0.0.1"
    everything = str(list(recording.events()))
    assert "hunter22" not in everything
    assert "s3crs3cr" not in everything
    assert any("rustls" in text for text in recording.session.cannot_see)


@pytest.mark.skipif(not looks_into(PYTHON), reason="needs Debian's Python with OpenSSL")
def test_the_envelope_of_a_mail_inside_tls_is_told(tmp_path: Path) -> None:
    script = Path(__file__).with_name("tls_mail.py")
    command = [PYTHON, str(script), *map(str, certificate(tmp_path))]
    recording = record(command, tmp_path / "r", source="bcc", settings={"tls_plaintext": True})
    assert recording.session.exit_code == 0
    sender, recipient = [e for e in recording.events() if e["event.action"] == "smtp_command"]
    assert sender["email.sender.address"] == "ada@a.example"
    assert recipient["email.to.address"] == ["team@b.example"]
    assert recipient["destination.ip"] == "127.0.0.1"
