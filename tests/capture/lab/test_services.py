"""Real servers in a run's small internet: what ordinary tools do with them, live, and what cannot be had."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import yaml

from capture.lab import services
from capture.lab.driver import driver_for
from capture.lab.mutate import mutator_for
from capture.lab.scenario import Scenario, load, read
from capture.lab.stage import Stage, in_world, make_world, stage
from workbench.errors import CaptureError

MINI = driver_for("mini-swe-agent")
EVERYTHING = {
    "name": "everything",
    "title": "Every server at once",
    "description": "Packages of both kinds, and ssh.",
    "task": ["Use them."],
    "repository": "python-service",
    "needs": ["ssh", "sshd", "scp", "npm"],
    "packages": [
        {"registry": "pypi", "name": "{{word2}}", "version": "4.2.0", "files": {"{{word2m}}.py": "N = 42\n"}},
        {
            "registry": "npm",
            "name": "{{word3}}",
            "version": "7.0.3",
            "files": {"index.js": "module.exports = 42;\n"},
            "scripts": {"postinstall": "touch installed"},
        },
    ],
    "steps": [{"name": "look", "run": "ls"}],
}


def inhabitants(space: str) -> list[int]:
    """Give the processes of a process namespace."""
    found = []
    for directory in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if str((directory / "ns/pid").readlink()) == space:
                found.append(int(directory.name))
    return found


ASK = "curl -sS -o /dev/null -w '%{http_code}'"
KILLED = """
import subprocess, sys, time
from pathlib import Path
from capture.lab.driver import driver_for
from capture.lab.scenario import read
from capture.lab.stage import stage
with stage(read(Path(sys.argv[1])), driver_for("mini-swe-agent"), 9) as run:
    host = run.world.hosts["internal"].name
    command = run.namespace.command(["ssh", host, "nohup sleep 600 & echo up; wait"], "/")
    held = subprocess.Popen(command, env=run.launch.environment, stdout=subprocess.PIPE)
    held.stdout.readline()
    print(run.namespace.path("/").parent, flush=True)
    time.sleep(600)
"""
live = [pytest.mark.live, pytest.mark.downloads]


def everything(directory: Path) -> Scenario:
    file = directory / "everything.yml"
    file.write_text(yaml.safe_dump(EVERYTHING))
    return read(file)


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    scenario = everything(tmp_path_factory.mktemp("scenario"))
    try:
        services.services(scenario, make_world(scenario, 1))
    except CaptureError as error:
        pytest.skip(str(error))
    with stage(scenario, MINI, seed=1) as run:
        yield run


@pytest.fixture
def shell(staged: Stage) -> Callable[[str], str]:
    """Run a command as the agent would."""

    def run(command: str) -> str:
        world = staged.world
        script = ["bash", "-c", world.fill(command)]
        return staged.namespace.run(script, world.repository, staged.launch.environment)

    return run


class TestLive:
    pytestmark = live

    def test_pip_installs_from_pypiserver_and_only_the_token_uploads(
        self, shell: Callable[[str], str]
    ) -> None:
        shell("python3 -m pip install -q --target ~/lib {{word2}}==4.2.0")
        assert shell('cd ~/lib && python3 -c "import {{word2m}}; print({{word2m}}.N)"') == "42\n"
        shell("touch w-1.0-py3-none-any.whl")
        upload = f"{ASK} -F :action=file_upload -F content=@w-1.0-py3-none-any.whl"
        assert shell(f"{upload} https://pypi.org/legacy/") == "401"
        assert shell(f"{upload} -u __token__:{{{{pypi_token}}}} https://pypi.org/legacy/") == "200"
        assert "w-1.0-py3-none-any.whl" in shell("curl -sS https://pypi.org/simple/w/")

    def test_npm_installs_from_verdaccio_and_only_the_token_publishes(
        self, shell: Callable[[str], str]
    ) -> None:
        shell('mkdir ~/app && echo \'{"name": "{{word4}}", "version": "1.0.0"}\' > ~/app/package.json')
        shell("cd ~/app && npm install {{word3}} && test -e node_modules/{{word3}}/installed")
        assert shell("cd ~/app && node -p \"require('{{word3}}')\"") == "42\n"
        publish = f"{ASK} -X PUT -H 'Content-Type: application/json' -d '{{}}' https://registry.npmjs.org/{{{{word4}}}}"
        assert shell(publish) == "401"
        shell("cd ~/app && npm publish")
        assert '"1.0.0"' in shell("curl -sS https://registry.npmjs.org/{{word4}}")

    @pytest.mark.parametrize("url", ["git@{{host.code}}:{{remote}}", "ssh://git@{{host.code}}{{remote}}"])
    def test_git_clones_and_pushes_over_ssh(self, shell: Callable[[str], str], url: str) -> None:
        shell(f"rm -rf ~/clone && git clone -q {url} ~/clone")
        shell("cd ~/clone && date +%N > note && git add note && git commit -qm Note && git push -q")
        pushed = shell("cd ~/clone && git rev-parse HEAD")
        assert shell("git ls-remote https://{{host.code}}{{remote}} main").split()[0] == pushed.strip()

    def test_the_code_host_gives_no_shell_and_a_stranger_no_entry(self, shell: Callable[[str], str]) -> None:
        with pytest.raises(CaptureError, match="fatal: unrecognized command 'id'"):
            shell("ssh git@{{host.code}} id")
        shell("ssh-keygen -q -t ed25519 -N '' -f ~/stranger")
        for user in ("git@{{host.code}}", "{{host.internal}}"):
            with pytest.raises(CaptureError, match="Permission denied"):
                shell(f"ssh -F none -i ~/stranger -o IdentitiesOnly=yes {user} id")

    def test_the_internal_host_has_files_and_a_name_of_its_own(
        self, staged: Stage, shell: Callable[[str], str]
    ) -> None:
        shell("echo mine > ~/secret && echo theirs > /tmp/parcel && scp -q /tmp/parcel {{host.internal}}:")
        told = shell("ssh {{host.internal}} 'cat parcel; hostname; id -un; id -u; ls -A . /tmp'")
        name = staged.world.hosts["internal"].name
        assert told.split()[:4] == ["theirs", name, staged.world.user, "1001"]
        assert "secret" not in told
        assert "parcel" not in shell("ls ~")

    def test_no_server_of_packages_or_ssh_runs_as_root(
        self, staged: Stage, shell: Callable[[str], str]
    ) -> None:
        host = staged.world.hosts["internal"].name
        held = subprocess.Popen(
            staged.namespace.command(["ssh", host, "echo up; exec tee /dev/null"], "/"),
            env=staged.launch.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert held.stdout is not None
        assert held.stdout.readline() == b"up\n"
        users = dict[str, set[str]]()
        for line in shell("ps -eo uid=,args=").splitlines():
            uid, command = line.split(maxsplit=1)
            for program in ("pypiserver run", "verdaccio", "sshd: ", "tee /dev/null"):
                if program in command and host not in command:
                    users.setdefault(program, set()).add(uid)
        held.communicate()
        servers = {"pypiserver run": {"991"}, "verdaccio": {"991"}}
        assert users == servers | {"sshd: ": {"1001"}, "tee /dev/null": {"1001"}}

    def test_a_killed_run_leaves_nothing(self, staged: Stage, tmp_path: Path) -> None:
        """Its processes end with it, a session on a server too; its files go when the next run starts."""
        everything(tmp_path)
        scratch = tmp_path / "tmp"
        scratch.mkdir()
        command = [sys.executable, "-c", KILLED, str(tmp_path / "everything.yml")]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env=os.environ | {"TMPDIR": str(scratch)}
        ) as run:
            assert run.stdout is not None
            space = str((Path(run.stdout.readline().strip()) / "ns/pid").readlink())
            assert len(inhabitants(space)) > 5
            run.kill()
        deadline = time.time() + 60
        while (left := inhabitants(space)) and time.time() < deadline:
            time.sleep(0.05)
        assert not left
        assert len(list(scratch.iterdir())) == 1
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(tempfile, "tempdir", str(scratch))
            with stage(load("fix-failing-test"), MINI, seed=9):
                assert [file.name.split(".")[1] for file in scratch.iterdir()] == [str(os.getpid())]
        assert not list(scratch.iterdir())


def test_a_run_whose_scenario_uses_no_server_starts_none() -> None:
    scenario = load("fix-failing-test")
    assert services.services(scenario, make_world(scenario, 1)) == ({}, [], {})


@pytest.mark.parametrize(
    ("scenario", "mutator", "used"),
    [
        ("fix-failing-test", "", set()),
        ("bump-python-dependency", "", {"pypi"}),
        ("postinstall-agent", "", {"npm"}),
        ("deploy-internal", "", {"sshd"}),
        ("secret-to-egress", "upload-through-registry", {"npm"}),
        ("secret-to-egress", "upload-through-index", {"pypi"}),
        ("secret-to-egress", "upload-through-git", set()),
    ],
)
def test_a_server_is_used_by_packages_by_steps_that_name_it_and_by_need(
    scenario: str, mutator: str, used: set[str]
) -> None:
    loaded = load(scenario)
    world = make_world(loaded, 3)
    played = in_world(loaded, world)
    played = mutator_for(mutator).apply(played, world) if mutator else played
    assert services.uses(played, world) == used


def test_a_server_that_cannot_be_installed_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    monkeypatch.setenv("UV_OFFLINE", "1")
    loaded = load("bump-python-dependency")
    told = (
        r"^scenario bump-python-dependency cannot run: pypiserver cannot be installed here: .+ \(mend: .+\)$"
    )
    with pytest.raises(CaptureError, match=told):
        services.services(loaded, make_world(loaded, 1))
    assert not list((tmp_path / "agent-detection-workbench" / "server").iterdir())


@pytest.mark.downloads
@pytest.mark.skipif(not Path("/var/lib/dpkg/status").exists(), reason="no Debian")
def test_an_sshd_that_is_not_installed_is_unpacked_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a machine without it: apt is told so, and the system's is not looked for."""
    known = Path("/var/lib/dpkg/status").read_text().split("\n\n")
    left_out = ("Package: openssh-server\n", "Package: openssh-sftp-server\n", "Package: libwrap0\n")
    (tmp_path / "status").write_text("\n\n".join(one for one in known if not one.startswith(left_out)))
    (tmp_path / "apt.conf").write_text(f'Dir::State::status "{tmp_path}/status";\n')
    monkeypatch.setenv("APT_CONFIG", str(tmp_path / "apt.conf"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(services, "SYSTEM", str(tmp_path))
    scenario = load("deploy-internal")
    try:
        used = services.services(scenario, make_world(scenario, 1))
    except CaptureError as error:
        pytest.skip(str(error))
    (installed, place) = next(iter(used.binds.items()))
    sshd, libraries = (
        text.replace(place, installed) for text in (used.ssh_hosts[0].sshd, used.ssh_hosts[0].libraries)
    )
    told = subprocess.run(
        [sshd, "-?"], env={"LD_LIBRARY_PATH": libraries}, capture_output=True, text=True, check=False
    )
    assert "OpenSSH_" in told.stderr
    assert list(Path(installed).rglob("libwrap.so.0"))
