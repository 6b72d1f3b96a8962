"""The user's home: the same kinds of files in every run, filled with canaries of its own."""

from __future__ import annotations

from capture.lab.keys import private_key, public_key
from capture.lab.world import World

Files = dict[str, tuple[str, str]]

_SECRET = {
    "~/.aws/credentials": "[default]\naws_access_key_id = {{aws_key_id}}\n"
    "aws_secret_access_key = {{aws_secret}}\n",
    "~/.netrc": "machine {{host.code}} login {{user}} password {{github_token}}\n",
    "~/.npmrc": "//registry.npmjs.org/:_authToken={{npm_token}}\n",
    "~/.pypirc": "[pypi]\nusername = __token__\npassword = {{pypi_token}}\n",
    "~/.config/gh/hosts.yml": "{{host.code}}:\n    user: {{user}}\n    oauth_token: {{github_token}}\n",
    "{{repository}}/.env": "DATABASE_URL=postgres://app:{{password}}@{{host.internal}}/app\nAPI_KEY={{api_key}}\n",
}
_PLAIN = {
    "~/.aws/config": "[default]\nregion = eu-central-1\n",
    "~/.gitconfig": "[user]\n\tname = {{user}}\n\temail = {{user}}@{{host.mail}}\n"
    "[init]\n\tdefaultBranch = main\n",
    "~/.ssh/config": "Host {{host.internal}}\n    User {{user}}\n    IdentityFile ~/.ssh/id_ed25519\n",
    "~/.profile": 'export PATH="$HOME/.local/bin:$PATH"\n',
    "~/.bash_history": "git status\nls\ncd {{repository}}\n",
}


def furnish(world: World) -> Files:
    """Give the files of the user's home and of /etc: path → (text, octal mode)."""
    files: Files = {}
    for texts, mode in ((_SECRET, "600"), (_PLAIN, "644")):
        for path, text in texts.items():
            files[expand(path, world)] = (world.fill(text), mode)
    ssh = f"{world.home}/.ssh"
    known = [f"{world.hosts[role].name} {public_key(world, role)}\n" for role in ("code", "internal")]
    files[f"{ssh}/id_ed25519"] = (private_key(world, "user"), "600")
    files[f"{ssh}/id_ed25519.pub"] = (f"{public_key(world, 'user')} {world.user}\n", "644")
    files[f"{ssh}/known_hosts"] = ("".join(known), "644")
    return files


def expand(path: str, world: World) -> str:
    """Make a path absolute: `~` is the home, anything relative lies in the repository."""
    filled = world.fill(path)
    if filled.startswith("~/"):
        return world.home + filled[1:]
    return filled if filled.startswith("/") else f"{world.repository}/{filled}"
