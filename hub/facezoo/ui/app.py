"""The hub: one page, its tabs built from the registry, its endpoints, its server."""

from __future__ import annotations

import importlib
import os
import threading
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from facezoo.registry import list_methods, load_spec
from facezoo.types import MethodSpec
from facezoo.ui import workspace
from facezoo.ui.guard import Calls, HubGuard, own_hosts, stay_offline
from facezoo.ui.languages.choice import COOKIE, LANGUAGES
from facezoo.ui.shares import Limits, Shares
from facezoo.ui.theme import FAVICON, gradio_theme
from facezoo.zoo.embedded import examples, personas

if TYPE_CHECKING:
    import gradio as gr

    from facezoo.ui.public.serve import PublicHub

__all__ = ["build", "launch"]

_LARGEST_UPLOAD = 50 * 1024 * 1024
_FIRST_PAINT = 3.0  # seconds after which a page is drawn
_SESSIONS = 4000  # pages whose choices are remembered
_QUEUE = 60  # requests that may wait for each run at a time; the next one is told that the hub is busy
_OPEN_TAB = """() => {
  const pages = ['compare', 'learn', 'animate', 'methods', 'train', 'zoo', 'verify'];
  const open = (names, tries = 50) => {
    const tab = document.querySelector(`[role=tab][data-tab-id="${names[0]}"]`);
    tab?.click();
    const left = tab ? names.slice(1) : names;  // a tab inside another one appears a little later
    if (left.length && tries) setTimeout(open, 100, left, tries - 1);
  };
  const follow = () => {
    const [name, part] = location.hash.slice(1).split('/');
    if (pages.includes(name)) open(name === 'methods' && /^[a-z0-9_]+$/.test(part) ? [name, part] : [name]);
  };
  addEventListener('hashchange', follow);
  document.addEventListener('click', event => {
    const id = event.isTrusted && event.target.closest('[role=tab]')?.dataset.tabId;
    const address = pages.includes(id) ? `#${id}` : `#methods/${id}`;
    if (id && !location.hash.startsWith(address)) history.replaceState(null, '', address);
  });
  follow();
}"""


def build(
    methods: Sequence[str] | None = None, *, at_once: int = 1, train: bool = True, classroom: bool = False
) -> gr.Blocks:
    """The page and its endpoints. methods: ids to offer, all when None; raises UsageError for an unknown one. at_once:
    runs that go on at a time. train: with the Train tab, whose projects are kept for days. classroom: opens on Learn
    and offers no uploads, of which `launch` then takes none."""
    stay_offline()
    workspace.root()  # before gradio is imported: it reads its temp folder then
    import gradio as gr

    from facezoo.ui.common.html import static, template
    from facezoo.ui.endpoints import add_endpoints
    from facezoo.ui.jobs import QUIET

    specs = [load_spec(id) for id in methods] if methods else list_methods()
    with gr.Blocks(
        title="facezoo: see what AI does to a face",
        analytics_enabled=False,
        fill_width=True,
        delete_cache=(workspace.SWEEP_EVERY, workspace.LIFETIME),
    ) as hub:
        frame = template("common/frame.html")
        static(frame.top(_motto(specs), LANGUAGES, COOKIE, classroom), elem_classes=["brand-block"])
        with gr.Tabs(elem_id="main"):
            _tabs(specs, train=train and not classroom)
        static(frame.foot())
        add_endpoints(hub, specs)
        gr.on(None, fn=None, js=_OPEN_TAB, **QUIET)
    hub.queue(max_size=_QUEUE * at_once, default_concurrency_limit=at_once, api_open=True)
    return hub


def launch(
    hub: gr.Blocks, *, host: str = "127.0.0.1", port: int = 7860, block: bool = True, quiet: bool = False,
    public: PublicHub | None = None, uploads: bool = True,
) -> str:  # fmt: skip
    """Starts the server and returns its address; a hub marks its results with a key of its own, made here the first
    time. block: return only when the server stops. public: what stands before it when it is for everybody.
    uploads: whether any are taken.

    Raises OSError when the port is taken."""
    from facezoo.safety.marks import make_own_key

    make_own_key()
    settings: dict[str, Any] = {"app_kwargs": {"middleware": _before(hub, host, public, uploads=uploads)}}
    _, address, _ = hub.launch(
        server_name=host,
        server_port=port,
        prevent_thread_lock=not block,
        quiet=quiet,
        share=False,
        inbrowser=False,
        show_error=False,
        footer_links=[],
        run_history=False,
        pwa=False,
        ssr_mode=False,
        enable_monitoring=False,
        max_file_size=_LARGEST_UPLOAD,
        state_session_capacity=_SESSIONS,
        allowed_paths=_served(),
        favicon_path=FAVICON,
        theme=gradio_theme(),
        **settings,
    )
    return address


def _before(hub: gr.Blocks, host: str, public: PublicHub | None, *, uploads: bool) -> list[Any]:
    """What stands before every request, the outermost first."""
    from starlette.middleware import Middleware

    from facezoo.ui.delivery import Delivery

    shares = Shares(public.limits() if public else Limits(), disk=workspace.used)
    inner = [_guard(hub, host, shares, uploads=uploads), Middleware(Delivery, hub, _warm_up)]
    return [public.front(hub, shares), *inner] if public else inner


def _guard(hub: gr.Blocks, host: str, shares: Shares, *, uploads: bool) -> Any:
    """Whose requests are taken; the queue serves clients in turn from now on."""
    from starlette.middleware import Middleware

    from facezoo.ui.common.live import release
    from facezoo.ui.sessions import forget_session, keep_sessions_light, queue_fairly

    os.environ.setdefault("FORWARDED_ALLOW_IPS", "")  # or the server takes this machine's word for who asks
    keep_sessions_light()
    queue = queue_fairly(hub, shares.client)
    shares.waiting, shares.full = queue.waiting, queue.full

    def left(session: str) -> None:
        release(session)
        forget_session(hub, session)

    functions = hub.fns
    calls = Calls(
        values={number: len(each.inputs) for number, each in functions.items()},
        names={str(each.api_name): number for number, each in functions.items() if each.api_name},
        queued=frozenset(number for number, each in functions.items() if each.queue is not False),
        runs=frozenset(number for number, each in functions.items() if each.concurrency_id == "run"),
        parts=frozenset(hub.blocks),
    )
    return Middleware(HubGuard, own_hosts(host), calls, shares, left, uploads)


def _tabs(specs: Sequence[MethodSpec], *, train: bool) -> None:
    import gradio as gr

    from facezoo.ui.animate.page import animate_page
    from facezoo.ui.compare.page import compare_page
    from facezoo.ui.learn.page import learn_page
    from facezoo.ui.methods.page import method_tab
    from facezoo.ui.train.page import train_page
    from facezoo.ui.verify.page import verify_page
    from facezoo.ui.zoo.page import zoo_page

    animating = [spec for spec in specs if "animate" in spec.tasks]
    with gr.Tab("Compare", id="compare"):
        swapping = [spec for spec in specs if "swap" in spec.tasks]
        compare_page(swapping, [spec for spec in specs if spec not in swapping])
    with gr.Tab("Learn", id="learn"):
        learn_page(specs)
    if animating:
        with gr.Tab("Animate", id="animate"):
            animate_page(animating)
    with gr.Tab("Methods", id="methods"), gr.Tabs(elem_classes=["sub-tabs"]):
        for spec in specs:
            with gr.Tab(spec.title, id=spec.id):
                method_tab(spec, in_animate=spec in animating)
    if train and any(spec.id == "deepfakes" for spec in specs):
        with gr.Tab("Train", id="train"):
            train_page()
    with gr.Tab("Zoo", id="zoo"):
        zoo_page(specs)
    with gr.Tab("Verify", id="verify"):
        verify_page()


def _served() -> list[str]:
    """The shipped pictures the page shows: file by file, or their folder where nothing lies beside them but words
    about them. Gradio goes through the whole list each time that a file is asked for."""
    from facezoo.ui.animate.motions import previews
    from facezoo.ui.common.gallery import shipped_pictures
    from facezoo.ui.common.results import shipped_example
    from facezoo.ui.learn.exhibits import shipped_rows

    shown = [*previews(), *shipped_pictures(), *shipped_rows()]
    shown += [each.portrait for each in personas()] + [each.path for each in examples()]
    shown += [shipped_example(spec) for spec in list_methods()]
    files = {path for path in shown if path.is_file()}
    whole = {
        folder for folder in {path.parent for path in files}
        if all(each in files or each.suffix in (".json", ".txt") for each in folder.iterdir())
    }  # fmt: skip
    return [*map(str, sorted(whole)), *(str(path) for path in sorted(files) if path.parent not in whole)]


def _motto(specs: Sequence[MethodSpec]) -> str:
    if len(specs) < 2:
        return "one method, and counting" if specs else "no method is installed yet"
    return f"{len(specs)} methods, {specs[0].year} to {specs[-1].year}"


@cache
def _warm_up() -> None:
    """Once, a little after the first paint: imports what the first click needs, in a thread; the page stays quick."""
    timer = threading.Timer(_FIRST_PAINT, importlib.import_module, ("facezoo.runner",))
    timer.daemon = True
    timer.start()
