"""A model Hub on this machine, for tests: repositories in memory, huggingface_hub's requests, and faults on demand.

with HubServer() as hub:
    environment = hub.environment(tmp_path)     # for processes that should use it
    hub.fail("cut", "resolve", times=1)         # the next file breaks off half-way
    print(hub.requests)
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.server
import json
import os
import re
import socket
import struct
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

LFS_SUFFIXES = (".safetensors", ".png", ".jpg", ".mp4")
CHUNK = 64 * 1024
ENDLESS = 600 * 1024**2  # bytes after which even that ends


@dataclass
class Commit:
    oid: str
    files: dict[str, bytes]
    message: str


@dataclass
class Repository:
    kind: str
    id: str
    commits: list[Commit] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)

    def commit(self, files: dict[str, bytes], message: str) -> Commit:
        seed = f"{self.kind}/{self.id}/{len(self.commits)}/{message}".encode() + b"".join(
            name.encode() + content for name, content in sorted(files.items())
        )
        self.commits.append(Commit(hashlib.sha1(seed).hexdigest(), dict(files), message))
        return self.commits[-1]

    def at(self, revision: str) -> Commit | None:
        wanted = self.tags.get(revision, self.commits[-1].oid if revision == "main" else revision)
        return next((each for each in self.commits if each.oid == wanted), None)


@dataclass
class Fault:
    """kind: cut | reset | wrong | slow | stall | whole | endless | an HTTP status. where: part of the
    "METHOD /path" it meets."""

    kind: str | int
    where: str
    times: int
    seconds: float = 0.0


def is_lfs(path: str) -> bool:
    return path.endswith(LFS_SUFFIXES)


def blob_id(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class HubServer:
    """Listens on a free port of this machine, in threads, until the end of the `with`."""

    def __init__(self, port: int = 0) -> None:
        self.repositories: dict[tuple[str, str], Repository] = {}
        self.stored: dict[str, bytes] = {}  # LFS objects by sha256
        self.requests: list[str] = []
        self.faults: list[Fault] = []
        self.sent = 0  # bytes more than a file has
        hub = self

        class Handler(_Handler):
            server_hub = hub

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.address = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> HubServer:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    def stop(self) -> None:
        """No answer from now on: the line is down."""
        self._server.shutdown()
        self._server.server_close()

    def fail(self, kind: str | int, where: str, times: int = 1, seconds: float = 0.0) -> None:
        self.faults.append(Fault(kind, where, times, seconds))

    def mend(self) -> None:
        self.faults.clear()

    def environment(self, home: Path, **more: str) -> dict[str, str]:
        """Variables for a process that shall use this Hub and a cache of its own."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "FACEZOO_WEIGHTS"))}
        ours = {
            "HF_ENDPOINT": self.address,
            "HF_HOME": str(home),
            "HF_TOKEN": "x",
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "NO_PROXY": "127.0.0.1,localhost",
        }
        return kept | ours | more

    def repository(self, id: str, kind: str = "model") -> Repository:
        return self.repositories[(kind, id)]

    def publish(self, id: str, files: dict[str, bytes], kind: str = "model") -> str:
        """Put files into a repository without any request; gives the commit."""
        repository = self.repositories.setdefault((kind, id), Repository(kind, id))
        self.stored |= {hashlib.sha256(each).hexdigest(): each for name, each in files.items() if is_lfs(name)}
        return repository.commit(files, "published").oid

    def take_fault(self, request: str) -> Fault | None:
        for fault in self.faults:
            if fault.where in request and fault.times > 0:
                fault.times -= 1
                return fault
        return None


class _Handler(http.server.BaseHTTPRequestHandler):
    server_hub: HubServer
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""

    def do_HEAD(self) -> None:
        self._serve()

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = unquote(urlsplit(self.path).path)
        request = f"{self.command} {path}"
        partial = self.headers.get("Range")
        if "harness" not in path:  # huggingface_hub asks, once a day, for a list of its own
            self.server_hub.requests.append(request + (f" [{partial}]" if partial else ""))
        self._fault = self.server_hub.take_fault(request)
        if self._fault and isinstance(self._fault.kind, int):
            self._error(self._fault.kind, "", "Asked for by a test.")
        elif self._fault and self._fault.kind == "stall":
            time.sleep(self._fault.seconds)
            self.close_connection = True
        else:
            self._route(path, body)

    def _route(self, path: str, body: bytes) -> None:
        hub = self.server_hub
        if path == "/api/whoami-v2":
            if self.headers.get("Authorization") != "Bearer x":
                self._error(401, "", "Invalid user token.")
            else:
                self._json({"type": "user", "name": "teacher", "orgs": [], "auth": {}})
        elif path == "/api/repos/create":
            self._create(json.loads(body))
        elif path == "/api/validate-yaml":
            self._json({"errors": [], "warnings": []})
        elif path.startswith("/lfs/"):
            right = hashlib.sha256(body).hexdigest() == path.removeprefix("/lfs/")
            hub.stored[path.removeprefix("/lfs/")] = body
            self._json({}) if right else self._error(400, "", "Those are not the bytes of that oid.")
        elif path == "/lfs-verify":
            known = json.loads(body)["oid"] in hub.stored
            self._json({}) if known else self._error(404, "", "Not uploaded.")
        elif path.startswith("/cdn/"):
            self._bytes(hub.stored[path.removeprefix("/cdn/")], {})
        elif found := re.fullmatch(r"/(?:(dataset|space)s/)?([^/]+/[^/]+)\.git/info/lfs/objects/batch", path):
            self._batch(json.loads(body))
        elif found := re.fullmatch(r"/(?:(dataset|space)s/)?([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self._resolve(found[1] or "model", *found.groups()[1:])
        elif found := re.fullmatch(r"/api/(model|dataset|space)s/([^/]+/[^/]+)(?:/([a-z]+)(?:/(.+))?)?", path):
            self._api(found[1], found[2], found[3] or "", found[4] or "main", body)
        else:
            self._error(404, "", "No such page.")

    def _create(self, asked: dict[str, Any]) -> None:
        id = f"{asked.get('organization') or 'teacher'}/{asked['name']}"
        key = (asked.get("type") or "model", id)
        if self.headers.get("Authorization") != "Bearer x":
            self._error(401, "", "Invalid user token.")
            return
        if key in self.server_hub.repositories:
            answer = {"error": "You already created this repository.", "url": f"{self.server_hub.address}/{id}"}
            self._send(409, {"X-Error-Message": answer["error"]}, json.dumps(answer).encode())
            return
        made = self.server_hub.repositories[key] = Repository(*key)
        made.commit({".gitattributes": b"*.safetensors filter=lfs\n"}, "initial commit")
        self._json({"url": f"{self.server_hub.address}/{id}", "id": id, "name": id})

    def _api(self, kind: str, id: str, verb: str, rest: str, body: bytes) -> None:
        repository = self.server_hub.repositories.get((kind, id))
        if repository is None:
            self._error(404, "RepoNotFound", "Repository not found")
            return
        commit = repository.at(rest.partition("/")[0])
        if commit is None:
            self._error(404, "RevisionNotFound", f"Invalid rev id: {rest}")
        elif verb in ("", "revision"):
            self._json({"id": id, "sha": commit.oid, "siblings": _siblings(commit), "private": False, "tags": []})
        elif verb == "tree":
            self._json(
                [
                    {"type": "file", "path": each["rfilename"], "oid": each["blobId"], "size": each["size"]}
                    | (
                        {"lfs": {"oid": each["lfs"]["sha256"], "size": each["size"], "pointerSize": 134}}
                        if each["lfs"]
                        else {}
                    )
                    for each in _siblings(commit)
                ]
            )
        elif verb == "refs":
            tags = [{"name": n, "ref": f"refs/tags/{n}", "targetCommit": oid} for n, oid in repository.tags.items()]
            head = {"name": "main", "ref": "refs/heads/main", "targetCommit": repository.commits[-1].oid}
            self._json({"branches": [head], "converts": [], "tags": tags})
        elif verb == "commits":
            self._json(
                [{"id": c.oid, "title": c.message, "message": "", "authors": [], "date": "2026-01-01T00:00:00.000Z"}
                 for c in reversed(repository.commits)]
            )  # fmt: skip
        elif verb == "preupload":
            modes = []
            for each in json.loads(body)["files"]:
                old = commit.files.get(each["path"])
                oid = None if old is None else hashlib.sha256(old).hexdigest() if is_lfs(each["path"]) else blob_id(old)
                mode = "lfs" if is_lfs(each["path"]) else "regular"
                modes.append({"path": each["path"], "uploadMode": mode, "shouldIgnore": False, "oid": oid})
            self._json({"files": modes, "commitOid": commit.oid})
        elif verb == "commit":
            self._commit(repository, body)
        elif verb in ("tag", "branch"):
            name = json.loads(body)["tag"]
            if name in repository.tags:
                self._error(409, "", "Tag reference exists already")
            else:
                repository.tags[name] = commit.oid
                self._json({})
        else:
            self._error(404, "", "No such page.")

    def _batch(self, asked: dict[str, Any]) -> None:
        hub, objects = self.server_hub, []
        for each in asked["objects"]:
            actions = {
                "upload": {"href": f"{hub.address}/lfs/{each['oid']}"},
                "verify": {"href": f"{hub.address}/lfs-verify"},
            }
            objects.append(each | ({} if each["oid"] in hub.stored else {"actions": actions}))
        self._json({"transfer": "basic", "objects": objects}, "application/vnd.git-lfs+json")

    def _commit(self, repository: Repository, body: bytes) -> None:
        lines = [json.loads(line) for line in body.splitlines() if line.strip()]
        header = next(line["value"] for line in lines if line["key"] == "header")
        head = repository.commits[-1]
        if header.get("parentCommit") not in (None, head.oid):
            self._error(412, "", "A commit has happened since. Please refresh and try again.")
            return
        files = dict(head.files)
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.server_hub.stored[value["oid"]]
            elif line["key"] == "deletedFile":
                files.pop(value["path"], None)
        made = repository.commit(files, header["summary"])
        url = f"{self.server_hub.address}/{repository.id}/commit/{made.oid}"
        self._json({"success": True, "commitOid": made.oid, "commitUrl": url, "hookOutput": ""})

    def _resolve(self, kind: str, id: str, revision: str, path: str) -> None:
        repository = self.server_hub.repositories.get((kind, id))
        if repository is None:
            self._error(404, "RepoNotFound", "Repository not found")
            return
        commit = repository.at(revision)
        if commit is None:
            self._error(404, "RevisionNotFound", "Invalid rev id")
            return
        headers = {"X-Repo-Commit": commit.oid}
        if path not in commit.files:
            self._error(404, "EntryNotFound", "Entry not found", headers)
        elif is_lfs(path):
            oid = hashlib.sha256(commit.files[path]).hexdigest()
            headers |= {"X-Linked-Etag": f'"{oid}"', "X-Linked-Size": str(len(commit.files[path]))}
            headers |= {
                "Location": f"http://localhost:{self.server_hub.port}/cdn/{oid}",
                "ETag": f'"{blob_id(b"pointer")}"',
            }
            self._send(302, headers, b"")
        else:
            self._bytes(commit.files[path], headers | {"ETag": f'"{blob_id(commit.files[path])}"'})

    # --- answers

    def _bytes(self, content: bytes, headers: dict[str, str]) -> None:
        whole = self._fault is not None and self._fault.kind == "whole"
        asked = None if whole else re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        headers = headers | {"Accept-Ranges": "bytes", "Content-Type": "application/octet-stream"}
        if asked and int(asked[1]) >= len(content):
            self._send(416, {"Content-Range": f"bytes */{len(content)}"}, b"")
        elif asked:
            last = min(int(asked[2] or len(content) - 1), len(content) - 1)
            headers["Content-Range"] = f"bytes {asked[1]}-{last}/{len(content)}"
            self._send(206, headers, content[int(asked[1]) : last + 1])
        else:
            self._send(200, headers, content)

    def _json(self, value: object, kind: str = "application/json") -> None:
        self._send(200, {"Content-Type": kind}, json.dumps(value).encode())

    def _error(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        told = {"X-Error-Message": message} | ({"X-Error-Code": code} if code else {}) | (headers or {})
        self._send(status, told, json.dumps({"error": message}).encode())

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        kind = self._fault.kind if self._fault else None
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if kind != "endless":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        if kind == "endless":
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.wfile.write(body)
                while self.server_hub.sent < ENDLESS:
                    self.wfile.write(bytes(CHUNK))
                    self.server_hub.sent += CHUNK
            return
        if kind == "wrong" and body:
            body = body[:-1] + bytes([body[-1] ^ 1])
        if kind in ("cut", "reset"):
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            self.close_connection = True
            if kind == "reset":
                time.sleep(0.2)  # let the half arrive first
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
            return
        for start in range(0, len(body), CHUNK):
            self.wfile.write(body[start : start + CHUNK])
            if kind == "slow" and self._fault:
                time.sleep(self._fault.seconds)


def _siblings(commit: Commit) -> list[dict[str, Any]]:
    return [
        {
            "rfilename": name,
            "size": len(content),
            "blobId": blob_id(content),
            "lfs": {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 134}
            if is_lfs(name)
            else None,
        }
        for name, content in sorted(commit.files.items())
    ]
