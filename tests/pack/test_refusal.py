"""A pack is verified before it is decoded, and every way of spoiling it is refused with its own error."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from pathlib import Path

import cbor2
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from workbench.cli import run
from workbench.errors import InputError, PackError, PackVersionError, SignatureError
from workbench.pack import sign
from workbench.pack.build import encode_payload
from workbench.pack.keys import generate_key, read_private_key, trust_key, trusted_keys
from workbench.scorer import Scorer
from workbench.scorer.envelope import open_envelope

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
TRUST = [KEY.public_key()]
CONTENT = {
    "format": 1,
    "name": "test",
    "version": "1",
    "minimum_scorer": 1,
    "plan": {"predicates": [], "rules": []},
    "registries": {},
}
PACK = sign(encode_payload(CONTENT), KEY)


def written(tmp_path: Path, **changed: object) -> Path:
    file = tmp_path / "x.pack"
    file.write_bytes(sign(encode_payload({**CONTENT, **changed}), KEY))
    return file


def test_a_good_pack_loads(tmp_path: Path) -> None:
    assert Scorer.load(written(tmp_path), TRUST).payload.name == "test"


def test_the_same_inputs_give_the_same_bytes() -> None:
    assert sign(encode_payload(dict(reversed(CONTENT.items()))), KEY) == PACK


@given(st.integers(0, len(PACK) - 1), st.integers(1, 255))
def test_a_flipped_byte_is_refused(position: int, mask: int) -> None:
    spoiled = bytearray(PACK)
    spoiled[position] ^= mask
    with pytest.raises(SignatureError):
        open_envelope(bytes(spoiled), TRUST)


@given(st.integers(0, len(PACK) - 1))
def test_a_cut_pack_is_refused(length: int) -> None:
    with pytest.raises(SignatureError, match="cut short"):
        open_envelope(PACK[:length], TRUST)


def test_a_rearranged_pack_is_refused() -> None:
    envelope = json.loads(PACK)
    for spoiled in (
        json.dumps(envelope),
        json.dumps(dict(reversed(envelope.items())), separators=(",", ":")),
        json.dumps({**envelope, "more": 1}, separators=(",", ":")),
        json.dumps({**envelope, "signatures": envelope["signatures"] * 2}, separators=(",", ":")),
    ):
        with pytest.raises(SignatureError, match="rearranged"):
            open_envelope(spoiled.encode(), TRUST)


def test_changed_content_is_refused() -> None:
    envelope = json.loads(PACK)
    envelope["payload"] = b64encode(b64decode(envelope["payload"]) + b"x").decode()
    with pytest.raises(SignatureError, match="changed after it was signed"):
        open_envelope(json.dumps(envelope, separators=(",", ":")).encode(), TRUST)


def test_another_signer_is_refused() -> None:
    with pytest.raises(SignatureError, match="unknown key"):
        open_envelope(sign(encode_payload(CONTENT), OTHER), TRUST)


def test_a_signature_under_anothers_name_is_refused() -> None:
    envelope = json.loads(sign(encode_payload(CONTENT), OTHER))
    envelope["signatures"][0]["keyid"] = json.loads(PACK)["signatures"][0]["keyid"]
    with pytest.raises(SignatureError, match="changed after it was signed"):
        open_envelope(json.dumps(envelope, separators=(",", ":")).encode(), TRUST)


@pytest.mark.parametrize(
    ("changed", "cause"),
    [
        ({"format": 2}, "format 2 is newer"),
        ({"minimum_scorer": 99}, "needs scorer 99"),
        ({"expires": 1}, "expired"),
    ],
)
def test_versions_are_refused(tmp_path: Path, changed: dict[str, object], cause: str) -> None:
    with pytest.raises(PackVersionError, match=cause):
        Scorer.load(written(tmp_path, **changed), TRUST)


def test_a_pack_expires_at_its_time(tmp_path: Path) -> None:
    file = written(tmp_path, expires=1_000)
    assert Scorer.load(file, TRUST, now=999)
    with pytest.raises(PackVersionError):
        Scorer.load(file, TRUST, now=1_000)


def test_nothing_is_decoded_before_the_signature_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def decode(data: bytes) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr(cbor2, "loads", decode)
    file = tmp_path / "x.pack"
    file.write_bytes(sign(encode_payload(CONTENT), OTHER))
    with pytest.raises(SignatureError):
        Scorer.load(file, TRUST)


def test_a_signed_thing_that_is_no_pack_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.pack"
    file.write_bytes(sign(b"not cbor at all", KEY))
    with pytest.raises(PackError):
        Scorer.load(file, TRUST)


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_in_one_line(data: bytes) -> None:
    with pytest.raises(PackError) as caught:
        open_envelope(data, TRUST)
    assert "\n" not in str(caught.value)


def test_a_missing_pack_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackError, match="No such file"):
        Scorer.load(tmp_path / "none.pack", TRUST)


@pytest.mark.parametrize(
    "changed",
    [
        {"registries": {"destinations": {}}},
        {"registries": {"agents": 7}},
        {"registries": {"intrinsic": {"entries": [{"risk": "x"}]}}},
        {"plan": {"predicates": [], "rules": [{"id": "a", "title": "A", "condition": 0}]}},
        {
            "plan": {
                "predicates": [["process.name", "regex", "(?=a)"]],
                "rules": [{"id": "a", "title": "A", "condition": 0}],
            }
        },
        {"baselines": [{"version": 99}]},
        {"baselines": [{"version": 1}]},
        {"fusion": {"bias": float("nan")}},
        {"fusion": {"alert": float("nan")}},
        {"fusion": {"bais": 1.0}},
        {"fusion": {"weights": {"pattern": 1.0}}},
    ],
)
def test_a_pack_that_cannot_run_is_refused(
    tmp_path: Path, changed: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path, **changed)
    with pytest.raises(PackError, match=r"x\.pack: .*mend: "):
        Scorer.load(file, TRUST)
    public = generate_key(tmp_path / "k")
    file.write_bytes(sign(encode_payload({**CONTENT, **changed}), tmp_path / "k"))
    assert run(["pack", "verify", str(file), "--trust", str(public)]) == 2
    assert "x.pack: " in capsys.readouterr().err


def test_a_single_key_is_trusted_as_a_list_of_it_is(tmp_path: Path) -> None:
    public = generate_key(tmp_path / "k")
    file = tmp_path / "x.pack"
    file.write_bytes(sign(encode_payload(CONTENT), tmp_path / "k"))
    for trust in (public, str(public), public.read_bytes(), [public]):
        assert Scorer.load(file, trust).payload.name == "test"


def test_what_a_pack_calls_itself_commands_no_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    public, file = generate_key(tmp_path / "k"), tmp_path / "x.pack"
    file.write_bytes(sign(encode_payload({**CONTENT, "name": "\x1b[31mred"}), tmp_path / "k"))
    plain = tmp_path / "y.pack"
    plain.write_bytes(sign(encode_payload(CONTENT), tmp_path / "k"))
    for command in (["verify", file], ["inspect", file], ["diff", plain, file]):
        run(["pack", *map(str, command), "--trust", str(public)])
        out = capsys.readouterr().out
        assert "red" in out
        assert "\x1b[31m" not in out


def test_keys_are_written_privately_and_never_overwritten(tmp_path: Path) -> None:
    private = tmp_path / "k"
    public = generate_key(private)
    assert private.stat().st_mode & 0o777 == 0o600
    assert public == tmp_path / "k.pub"
    open_envelope(sign(b"", private), [public])
    with pytest.raises(InputError, match="already exists"):
        generate_key(private)


def test_a_bad_key_is_refused_without_showing_it(tmp_path: Path) -> None:
    file = tmp_path / "k"
    file.write_text("sesame")
    with pytest.raises(InputError) as caught:
        read_private_key(file)
    assert "sesame" not in str(caught.value)


def test_who_is_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("WORKBENCH_TRUST", raising=False)
    with pytest.raises(InputError, match="no key is trusted"):
        trusted_keys()
    public = generate_key(tmp_path / "k")
    copy = trust_key(public)
    assert trusted_keys() == [copy]
    monkeypatch.setenv("WORKBENCH_TRUST", f"{public}")
    assert trusted_keys() == [public]
    assert trusted_keys([Path("other")]) == [Path("other")]


@pytest.mark.parametrize("name", ["k", "k[1]"])
def test_keys_of_one_name_are_all_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("WORKBENCH_TRUST", raising=False)
    made = []
    for number in range(3):
        (tmp_path / str(number)).mkdir()
        made.append(generate_key(tmp_path / str(number) / name))
        trust_key(made[-1])
        trust_key(made[-1])
    assert {key.read_bytes() for key in trusted_keys()} == {key.read_bytes() for key in made}
    assert len(trusted_keys()) == 3


def test_the_envelope_is_plain_dsse() -> None:
    from securesystemslib.dsse import Envelope

    read = Envelope.from_dict(
        msgspec.json.decode(PACK)
        | {"signatures": [{**one, "sig": one["sig"]} for one in msgspec.json.decode(PACK)["signatures"]]}
    )
    KEY.public_key().verify(b64decode(json.loads(PACK)["signatures"][0]["sig"]), read.pae())
