"""The one table of event fields: name, type, Sigma taxonomy, OCSF path and meaning.

Names are ECS's where ECS has one, OpenTelemetry's `gen_ai.*` for agent context, our own otherwise.
The Arrow schema, the JSON decoder, the rule compiler, the OCSF export and the reference page are all
derived from this table; a field that is not here does not exist.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["string", "integer", "number", "boolean", "strings", "timestamp"]


@dataclass(frozen=True, slots=True)
class Field:
    """One event field: `kind` is its type, `sigma` the names SigmaHQ's rules call it by."""

    name: str
    kind: Kind
    meaning: str
    sigma: tuple[str, ...] = ()
    ocsf: str = ""


def _field(name: str, kind: Kind, meaning: str, *sigma: str, ocsf: str = "") -> Field:
    return Field(name, kind, meaning, sigma, ocsf)


_EVENT = (
    _field("@timestamp", "timestamp", "when it happened, UTC, nanoseconds since 1970", ocsf="time"),
    _field("event.id", "string", "unique within its recording", ocsf="metadata.uid"),
    _field("event.sequence", "integer", "position in its source; a gap is a loss", ocsf="metadata.sequence"),
    _field("event.category", "string", "process, file, network, agent or control"),
    _field("event.action", "string", "what was done: exec, open, connect, tool_call …"),
    _field("event.outcome", "string", "success or failure"),
    _field("event.provider", "string", "the source that saw it: bcc, strace, eslogger, hook …"),
    _field("event.start", "timestamp", "first operation of an aggregated event"),
    _field("event.end", "timestamp", "last operation of an aggregated event"),
    _field("event.duration", "integer", "nanoseconds"),
    _field("error.code", "string", "the failure's errno name, such as EACCES"),
    _field("host.id", "string", "the boot's id", ocsf="device.uid"),
    _field("host.name", "string", "host name", "ComputerName", "Computer", ocsf="device.hostname"),
    _field("host.os.type", "string", "linux or macos"),
    _field("user.id", "string", "numeric user id", "UserId", ocsf="actor.user.uid"),
    _field("user.name", "string", "user name", "User", "TargetUserName", ocsf="actor.user.name"),
    _field("cgroup.id", "integer", "cgroup v2 inode of the process"),
)

_PROCESS = (
    _field("process.entity_id", "string", "host boot + start time + pid", "ProcessGuid", ocsf="process.uid"),
    _field("process.pid", "integer", "process id", "ProcessId", ocsf="process.pid"),
    _field("process.thread.id", "integer", "thread id", ocsf="process.tid"),
    _field("process.name", "string", "the kernel's short name (comm)", ocsf="process.name"),
    _field("process.executable", "string", "the file that ran", "Image", ocsf="process.file.path"),
    _field("process.args", "strings", "argument vector", "ProcessArgs"),
    _field(
        "process.command_line", "string", "arguments joined by spaces", "CommandLine", ocsf="process.cmd_line"
    ),
    _field("process.args_count", "integer", "arguments, before any truncation"),
    _field("process.working_directory", "string", "current directory", "CurrentDirectory"),
    _field("process.start", "timestamp", "when the process began", ocsf="process.created_time"),
    _field("process.env_vars", "strings", "KEY=value of the few variables that name a session or call"),
    _field("process.exit_code", "integer", "exit status"),
    _field("process.exit_signal", "integer", "signal that ended it, 0 for none"),
    _field(
        "process.parent.entity_id",
        "string",
        "the parent's identity",
        "ParentProcessGuid",
        ocsf="process.parent_process.uid",
    ),
    _field(
        "process.parent.pid", "integer", "parent's id", "ParentProcessId", ocsf="process.parent_process.pid"
    ),
    _field("process.parent.name", "string", "parent's short name", ocsf="process.parent_process.name"),
    _field(
        "process.parent.executable",
        "string",
        "the parent's file",
        "ParentImage",
        ocsf="process.parent_process.file.path",
    ),
    _field(
        "process.parent.command_line",
        "string",
        "the parent's arguments",
        "ParentCommandLine",
        ocsf="process.parent_process.cmd_line",
    ),
    _field("process.ancestry", "strings", "executables from the parent up, nearest first (enriched)"),
    _field("process.target.pid", "integer", "process acted on by fork, signal or ptrace", "TargetProcessId"),
    _field("process.target.entity_id", "string", "its identity", "TargetProcessGuid"),
    _field("process.target.executable", "string", "its file", "TargetImage"),
    _field("process.signal", "integer", "signal number sent"),
    _field("process.real_user.id", "string", "user id asked for by setuid"),
)

_FILE = (
    _field(
        "file.path",
        "string",
        "absolute path",
        "TargetFilename",
        "FileName",
        "TargetFileName",
        ocsf="file.path",
    ),
    _field("file.name", "string", "last part of the path", ocsf="file.name"),
    _field("file.directory", "string", "the path without its last part", ocsf="file.parent_folder"),
    _field("file.extension", "string", "without the dot", ocsf="file.ext"),
    _field("file.original.path", "string", "path before a rename, or a link's target", "SourceFilename"),
    _field("file.inode", "string", "inode number"),
    _field("file.device", "string", "device number, major:minor"),
    _field("file.type", "string", "file, dir, pipe, socket, memfd, device or other"),
    _field("file.mode", "string", "mode bits, octal"),
    _field("file.uid", "string", "owner asked for by chown"),
    _field("file.gid", "string", "group asked for by chown"),
    _field("file.flags", "strings", "open flags: read, write, create, truncate, append"),
    _field("io.bytes", "integer", "bytes moved by an aggregated read or write"),
    _field("io.operations", "integer", "system calls behind an aggregated event"),
)

_NETWORK = (
    _field("network.transport", "string", "tcp, udp or unix", "Protocol"),
    _field("network.type", "string", "ipv4, ipv6 or unix"),
    _field("network.direction", "string", "egress or ingress"),
    _field("network.initiated", "boolean", "this process began the connection", "Initiated"),
    _field("network.bytes", "integer", "bytes sent or received by an aggregated event"),
    _field("source.ip", "string", "local or remote source", "SourceIp", ocsf="src_endpoint.ip"),
    _field("source.port", "integer", "source port", "SourcePort", ocsf="src_endpoint.port"),
    _field("destination.ip", "string", "destination", "DestinationIp", ocsf="dst_endpoint.ip"),
    _field("destination.port", "integer", "port", "DestinationPort", ocsf="dst_endpoint.port"),
    _field(
        "destination.domain",
        "string",
        "the name it was resolved from, or was asked for",
        "DestinationHostname",
        ocsf="dst_endpoint.hostname",
    ),
    _field("destination.class", "string", "loopback, internal, model_api, external … (enriched)"),
    _field("destination.first_seen", "boolean", "not contacted before in this session (enriched)"),
    _field("dns.question.name", "string", "name asked for", "QueryName", "query", ocsf="query.hostname"),
    _field("dns.question.type", "string", "A, AAAA, TXT …", "QueryType", ocsf="query.type"),
    _field("dns.resolved_ip", "strings", "addresses answered", "QueryResults"),
    _field("tls.client.server_name", "string", "server name of the ClientHello", ocsf="tls.sni"),
    _field("http.request.method", "string", "method", "cs-method", ocsf="http_request.http_method"),
    _field("http.request.body.bytes", "integer", "size of the request body"),
    _field("http.request.body.content", "string", "the body, redacted, only when asked for"),
    _field("url.domain", "string", "the request's host", "cs-host", ocsf="http_request.url.hostname"),
    _field("url.path", "string", "the request's path", "cs-uri-stem", ocsf="http_request.url.path"),
    _field("url.full", "string", "the whole URL", "c-uri", ocsf="http_request.url.url_string"),
    _field("email.sender.address", "string", "the mail envelope's sender", ocsf="email.smtp_from"),
    _field("email.to.address", "strings", "the mail envelope's recipients", ocsf="email.smtp_to"),
    _field(
        "email.to.asked",
        "strings",
        "recipients that a prompt, tool call or command line of the session names (enriched)",
    ),
    _field("email.to.unasked", "strings", "recipients that none of them names (enriched)"),
    _field("user_agent.original", "string", "the request's agent", "c-useragent"),
)

_AGENT = (
    _field("gen_ai.agent.name", "string", "the agent: codex, gemini-cli, mini-swe-agent …"),
    _field("gen_ai.agent.version", "string", "the agent's version"),
    _field("gen_ai.conversation.id", "string", "the session", ocsf="actor.session.uid"),
    _field("gen_ai.operation.name", "string", "chat, execute_tool, invoke_agent …"),
    _field("gen_ai.provider.name", "string", "who serves the model"),
    _field("gen_ai.request.model", "string", "the model asked for"),
    _field("gen_ai.prompt.id", "string", "the user's prompt this belongs to"),
    _field("gen_ai.tool.name", "string", "the tool called"),
    _field("gen_ai.tool.call.id", "string", "the tool call this belongs to"),
    _field("gen_ai.tool.call.arguments", "string", "the call's arguments, redacted"),
    _field("gen_ai.tool.call.result", "string", "the call's result, redacted and cut"),
    _field("gen_ai.prompt.text", "string", "the prompt, redacted and cut"),
    _field("mcp.server.name", "string", "the MCP server a tool belongs to"),
    _field("agent.approval", "string", "granted, denied or automatic"),
    _field("agent.mode", "string", "the permission mode in force"),
    _field("agent.memory.path", "string", "memory or rules file read or written"),
)

_CONTROL = (
    _field("control.token.id", "string", "capability token"),
    _field("control.token.policy", "string", "the policy that governed its issue or refresh"),
    _field("control.message.number", "integer", "the message's place in its stream"),
    _field("control.epoch", "integer", "epoch of the harness's state"),
    _field("control.version", "string", "version of the harness's state or protocol"),
    _field("control.expected", "string", "what the receiver expected instead"),
    _field("control.operation.id", "string", "operation id, meant to be unique"),
    _field("control.initiator", "string", "user, agent, harness or policy"),
    _field("control.mode.previous", "string", "mode before a change"),
    _field("control.account.id", "string", "the account in use"),
    _field("control.device.id", "string", "the device that was trusted"),
    _field("control.flag", "string", "permission-skipping flag or connection mode in use"),
)

_ENRICHED = (
    _field(
        "attribution.actor",
        "string",
        "developer, agent, tool_child, package_script, test_runner, editor_extension, mcp_server or unknown",
    ),
    _field("attribution.method", "string", "environment, harness_event, ancestry, timing or none"),
    _field("attribution.confidence", "number", "0 to 1, calibrated"),
    _field("provenance.labels", "strings", "labels of the data this process holds"),
    _field("provenance.confidence", "number", "the weakest hop of the labels' paths"),
    _field(
        "provenance.hops", "integer", "reads and writes by which the labelled data came, the most of a label"
    ),
    _field("risk.intrinsic", "integer", "0 to 100, the action's own risk by the pack's table"),
    _field("risk.reason", "string", "why the table says so"),
    _field("drift.executable", "number", "surprise of the executable for this agent, nats"),
    _field("drift.lineage", "number", "surprise of the parent → child pair, nats"),
    _field("drift.directory", "number", "surprise of the directory, nats"),
    _field("drift.file_kind", "number", "surprise of the file's extension, nats"),
    _field("drift.destination", "number", "surprise of the destination name and port, nats"),
    _field("drift.destination_class", "number", "surprise of the destination's class, nats"),
    _field("drift.tool", "number", "surprise of the tool, or of the tool → process pair, nats"),
    _field("drift.hour", "number", "surprise of the hour of the day, nats"),
    _field(
        "drift.rate",
        "number",
        "the session's largest volume, in spreads above the agent's own level",
    ),
    _field("drift.changed", "number", "sessions since the agent's volumes changed their level, up to 20"),
    _field("drift.session", "number", "how unlike the agent's past the session is, 0 to 1"),
)

FIELDS: dict[str, Field] = {
    field.name: field for field in (*_EVENT, *_PROCESS, *_FILE, *_NETWORK, *_AGENT, *_CONTROL, *_ENRICHED)
}
"""Every field by its dotted name, in the order of the stored columns."""

ENRICHED: frozenset[str] = frozenset(
    {field.name for field in _ENRICHED}
    | {
        "destination.class",
        "destination.first_seen",
        "process.ancestry",
        "email.to.asked",
        "email.to.unasked",
    }
)
"""Fields that the scorer adds; sources leave them empty."""

SIGMA: dict[str, str] = {name: field.name for field in FIELDS.values() for name in field.sigma}
"""Sigma taxonomy name → event field."""

ACTIONS: dict[str, tuple[str, ...]] = {
    "process": ("fork", "exec", "exit", "signal", "ptrace", "setuid", "memfd"),
    "file": (
        "open",
        "read",
        "write",
        "create",
        "rename",
        "link",
        "delete",
        "chmod",
        "chown",
        "mmap_write",
    ),
    "network": (
        "connect",
        "accept",
        "bind",
        "send",
        "receive",
        "dns",
        "tls_client_hello",
        "http_request",
        "smtp_command",
    ),
    "agent": (
        "session_start",
        "prompt",
        "tool_call",
        "tool_result",
        "approval",
        "session_end",
        "memory_read",
        "memory_write",
    ),
    "control": (
        "token_issue",
        "token_refresh",
        "token_revoke",
        "mode_change",
        "permission_bypass",
        "message",
        "operation",
        "account_switch",
        "device_trust",
    ),
}
"""`event.category` → the `event.action`s it has."""


def resolve(name: str) -> str | None:
    """Give the event field that a rule's field name means, or None when there is none.

    >>> resolve("Image"), resolve("process.executable"), resolve("Imgae")
    ('process.executable', 'process.executable', None)
    """
    return name if name in FIELDS else SIGMA.get(name)
