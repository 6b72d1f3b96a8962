"""Fifty secrets of different kinds, none of which may be written.

Each is put together at run time, so that no scanner mistakes this file for a leak.
"""

from __future__ import annotations

import random
import string
import tracemalloc

import pytest

from capture.redact import Redactor

HEX, ALNUM = "0123456789abcdef", string.ascii_letters + string.digits
_random = random.Random(20_240_817)


def make(alphabet: str, length: int) -> str:
    return "".join(_random.choice(alphabet) for _ in range(length))


UPPER = string.ascii_uppercase + string.digits
PLANTED: dict[str, tuple[str, str]] = {
    # kind: (text with {}, the secret that stands there)
    "aws access key": ("aws s3 ls --key {}", "AKIA" + make(UPPER, 16)),
    "aws temporary key": ("{}", "ASIA" + make(UPPER, 16)),
    "aws secret key": ("AWS_SECRET_ACCESS_KEY={}", make(ALNUM, 19) + "/" + make(ALNUM, 20)),
    "aws secret quoted": ("aws_secret = '{}'", make(ALNUM, 40)),
    "github personal": ("git clone https://{}@github.example/a/b", "ghp_" + make(ALNUM, 36)),
    "github app": ("{}", "ghs_" + make(ALNUM, 36)),
    "github fine-grained": ("gh auth login {}", "github_pat_" + make(ALNUM, 22) + "_" + make(ALNUM, 59)),
    "gitlab": ("curl --header 'PRIVATE-TOKEN: {}'", "glpat-" + make(ALNUM, 20)),
    "gitlab runner": ("{}", "GR1348941" + make(ALNUM, 20)),
    "slack bot": ("{}", "xoxb-" + make(string.digits, 12) + "-" + make(ALNUM, 24)),
    "slack hook": ("hooks.slack.com/services/{}", f"T{make(UPPER, 8)}/B{make(UPPER, 8)}/{make(ALNUM, 24)}"),
    "openai": ("OPENAI_KEY {}", "sk-proj-" + make(ALNUM, 40)),
    "anthropic": ("{}", "sk-ant-api03-" + make(ALNUM, 40)),
    "google api": ("?key={}", "AIza" + make(ALNUM, 35)),
    "google oauth": ("{}", "ya29." + make(ALNUM, 60)),
    "google client": ("{}", "GOCSPX-" + make(ALNUM, 28)),
    "hugging face": ("{}", "hf_" + make(ALNUM, 34)),
    "groq": ("{}", "gsk_" + make(ALNUM, 40)),
    "stripe live": ("{}", "sk_live_" + make(ALNUM, 24)),
    "stripe restricted": ("{}", "rk_live_" + make(ALNUM, 24)),
    "stripe hook": ("{}", "whsec_" + make(ALNUM, 32)),
    "npm": ("{}", "npm_" + make(ALNUM, 36)),
    "npmrc": ("//registry.example/:_authToken={}", make(HEX, 36)),
    "pypi": ("twine upload -p {}", "pypi-AgEIcHlwaS5vcmc" + make(ALNUM, 70)),
    "sendgrid": ("{}", "SG." + make(ALNUM, 22) + "." + make(ALNUM, 43)),
    "discord": ("{}", "M" + make(ALNUM, 23) + "." + make(ALNUM, 6) + "." + make(ALNUM, 27)),
    "telegram": ("/bot{}/send", make(string.digits, 9) + ":" + make(ALNUM, 35)),
    "square": ("{}", "sq0csp-" + make(ALNUM, 43)),
    "twilio": ("{}", "SK" + make(HEX, 32)),
    "mailchimp": ("{}", make(HEX, 32) + "-us12"),
    "artifactory": ("-H X-JFrog:{}", "AKC" + make(ALNUM, 30)),
    "digitalocean": ("{}", "dop_v1_" + make(HEX, 64)),
    "vault": ("{}", "hvs." + make(ALNUM, 24)),
    "azure storage": ("AccountName=a;AccountKey={};Suffix=b", make(ALNUM, 86) + "=="),
    "azure signature": ("https://a.example/c?sv=1&sig={}", make(ALNUM, 43)),
    "jwt": ("Cookie {}", "eyJ" + make(ALNUM, 20) + ".eyJ" + make(ALNUM, 30) + "." + make(ALNUM, 43)),
    "bearer": ("Authorization: Bearer {}", make(ALNUM, 24)),
    "basic": ("authorization: Basic {}", make(ALNUM, 20) + "=="),
    "api key header": ("-H 'X-Api-Key: {}'", make(ALNUM, 20)),
    "cookie": ("Cookie: {}", "session" + make(ALNUM, 20)),
    "url password": ("postgres://app:{}@db.example/x", make(ALNUM, 12)),
    "curl user": ("curl -u admin:{} http://a.example", make(ALNUM, 12)),
    "password flag": ("mysql --password={}", make(ALNUM, 12)),
    "json password": ('{{"password": "{}"}}', make(ALNUM, 12)),
    "environment": ("DB_PASSWD={}", make(ALNUM, 12)),
    "client secret": ("client_secret={}&x=1", make(ALNUM, 30)),
    "url token": ("https://a.example/?token={}&b=1", make(ALNUM, 20)),
    "sshpass": ("sshpass -p {} ssh a", make(ALNUM, 12)),
    "private key": ("-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----", make(ALNUM, 64)),
    "canary": ("cat canary-{}", make(ALNUM, 16)),
}  # fmt: skip


def planted(kind: str) -> tuple[str, str]:
    text, secret = PLANTED[kind]
    return text.format(secret), secret


def test_what_is_kept_to_answer_again_is_bounded_however_long_texts_are() -> None:
    redactor = Redactor()
    tracemalloc.start()
    try:
        for number in range(2_000):
            redactor.text(f"echo {number} {'x' * 8_000}")
        assert tracemalloc.get_traced_memory()[0] < 2_000_000
    finally:
        tracemalloc.stop()


def test_there_are_fifty() -> None:
    assert len(PLANTED) == 50


@pytest.mark.parametrize("kind", PLANTED)
def test_a_secret_is_taken_out_and_the_rest_stays(kind: str) -> None:
    text, secret = planted(kind)
    redactor = Redactor()
    clean = redactor.text(text)
    assert secret not in clean
    assert "[redacted:" in clean


@pytest.mark.parametrize(
    "text",
    [
        "/usr/lib/python3.11/site-packages/tokenizers/models/__init__.py",
        "git commit -m 'rename the token parser'",
        "pytest tests/test_password_reset.py -k 'secret and not slow'",
        "3f786850e387550fdab836ed7e6dc881de23001b",
        "curl http://127.0.0.1:8080/keys?page=2",
        "node_modules/.bin/tsc --project tsconfig.json",
        "pipe:[123456]",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert Redactor().text(text) == text


def test_every_text_of_an_event_is_redacted() -> None:
    text, secret = planted("github personal")
    event = {
        "@timestamp": 1,
        "process.args": ["git", "clone", text],
        "process.command_line": f"git clone {text}",
        "process.env_vars": [f"CODEX_SESSION_ID={secret}"],
        "file.path": f"/tmp/{secret}/x",
        "url.full": text,
        "gen_ai.tool.call.arguments": text,
        "attribution.confidence": 0.5,
    }
    assert secret not in str(Redactor().event(dict(event)))


def test_hostile_text_takes_time_in_proportion_to_its_length() -> None:
    redactor = Redactor()
    for text in ("password=" * 20_000, "a:" * 100_000, "eyJ" + "A." * 100_000, "://" * 60_000):
        redactor.text(text)


def test_a_secret_is_known_by_the_argument_before_it() -> None:
    event = {
        "process.args": ["curl", "-u", "admin:hunter22", "-H", "Authorization: Bearer", "abcdefgh12345678"]
    }
    assert Redactor().event(dict(event))["process.args"] == [
        *(
            "curl",
            "-u",
            "admin:[redacted:password]",
            "-H",
            "Authorization: Bearer",
            "[redacted:authorization]",
        )
    ]


def test_a_secret_in_a_path_is_in_no_part_of_it() -> None:
    path = "/srv/https:/app:hunter22@db.example"
    event = {"file.path": path, "file.name": "app:hunter22@db.example", "file.directory": "/srv/https:"}
    assert "hunter22" not in str(Redactor().event(dict(event)))


def test_overlapping_secrets_are_taken_out_whole() -> None:
    token = "ghp_" + make(ALNUM, 36)
    assert Redactor().text(f"token={token}-tail&x=1") == "token=[redacted:github_token]&x=1"


def test_an_underscore_hides_no_token() -> None:
    assert Redactor().text("/tmp/backup_ghp_" + make(ALNUM, 36)) == "/tmp/backup[redacted:github_token]"


def test_percent_encoding_hides_no_token() -> None:
    event = {"url.full": "http://a.example/?q=x%20" + "AKIA" + make(UPPER, 16)}
    assert Redactor().event(dict(event))["url.full"] == "http://a.example/?q=x [redacted:aws_access_key]"
