// The panel of conversations, the address, and what is typed but not sent yet. No text is made here.
(() => {
  const $ = (id) => document.getElementById(id);
  const QUESTION = ":is(#question, #first) textarea"; // the second stands there until the page has loaded
  const SEARCH_WAIT_MS = 200; // from the last key to the search; lower asks the server more often
  let busy = false;
  let stale = false; // the list has to be asked for again
  let waiting = 0;
  let restored = false;

  // The address names the conversation, so that a reload, Back and a link lead to it.
  function go(known) {
    const url = new URL(location.href);
    if ((url.searchParams.get("c") || "") === known) return;
    known ? url.searchParams.set("c", known) : url.searchParams.delete("c");
    history.pushState(null, "", url);
    stale = true;
  }

  function mark() {
    const known = $("place")?.dataset.c || "";
    let title = "";
    for (const link of document.querySelectorAll("#past .past-link")) {
      const here = known !== "" && link.href.endsWith(`?c=${known}`);
      if (here !== link.hasAttribute("aria-current")) {
        here ? link.setAttribute("aria-current", "page") : link.removeAttribute("aria-current");
      }
      if (here) title = link.textContent;
    }
    document.title = title ? `${title} · citefold` : "citefold";
  }

  const search = () => $("past-search")?.value || "";

  function refresh() {
    const answering = Boolean(document.querySelector("#turns .turn[aria-busy=true]"));
    if (answering !== busy) {
      busy = answering;
      stale = true;
    }
    if (!stale || document.querySelector("#past .past-form")) return; // a form is not taken from under the reader
    stale = false;
    citefold.act("past_list", { search: search() });
  }

  function focus() {
    const target = document.querySelector("[data-focus]");
    if (!target) return;
    const where = target.dataset.focus;
    target.removeAttribute("data-focus");
    if (target.dataset.draft) target.value = recall(target.dataset.draft) || target.value;
    target.focus();
    if (where === "all") target.select();
    if (where === "end") target.setSelectionRange(target.value.length, target.value.length);
  }

  // What is typed survives a reload of the tab.
  const slot = (name) => `citefold-draft-${name}`;
  const slotHere = (name) => slot(name === "question" ? name : `${$("place")?.dataset.c}-${name}`);

  function keep(name, text) {
    try {
      text ? sessionStorage.setItem(slotHere(name), text) : sessionStorage.removeItem(slotHere(name));
    } catch {} // a browser that keeps nothing still shows the page
  }

  function recall(name) {
    try {
      return sessionStorage.getItem(slotHere(name));
    } catch {
      return null;
    }
  }

  function restore() {
    const box = document.querySelector(QUESTION);
    if (!box || restored) return;
    restored = true;
    const text = recall("question");
    if (!text || box.value) return;
    // Through the setter of the browser, so that the toolkit takes note.
    Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set.call(box, text);
    box.dispatchEvent(new Event("input", { bubbles: true }));
  }

  citefold.afterPatch((patch) => {
    if ("place@data-c" in patch) go(patch["place@data-c"]);
    mark();
    refresh();
    focus();
    // The box is emptied by the server once it has the question, which no event tells.
    setTimeout(() => restored && keep("question", document.querySelector(QUESTION)?.value), 100);
  });

  addEventListener("popstate", () => {
    citefold.act("past_open", { c: new URL(location.href).searchParams.get("c") || "" });
  });

  document.addEventListener("input", (event) => {
    if (event.target.id === "past-search") {
      clearTimeout(waiting);
      waiting = setTimeout(() => citefold.act("past_list", { search: search() }), SEARCH_WAIT_MS);
    } else if (event.target.matches(QUESTION)) keep("question", event.target.value);
    else if (event.target.dataset?.draft) keep(event.target.dataset.draft, event.target.value);
  });

  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form[data-do]");
    if (!form) return;
    event.preventDefault();
    for (const box of form.querySelectorAll("[data-draft]")) keep(box.dataset.draft, "");
    const values = Object.fromEntries(new FormData(form));
    citefold.act(form.dataset.do, { ...JSON.parse(form.dataset.with), ...values, search: search() });
  });

  document.addEventListener("keydown", (event) => {
    if (event.isComposing) return; // Enter and Escape belong to the input method
    const form = event.target.closest?.("form[data-do], .past-form");
    if (form && event.key === "Escape") {
      event.preventDefault();
      form.querySelector("[data-escape]")?.click();
    } else if (event.key === "Enter" && !event.shiftKey && event.target.matches("form[data-do] textarea")) {
      event.preventDefault();
      form.requestSubmit();
    }
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest(".past-link, .past-new") && $("past").matches(":popover-open")) $("past").hidePopover();
  });

  const start = new MutationObserver(() => {
    restore();
    if (restored) start.disconnect();
  });
  start.observe(document, { childList: true, subtree: true });
})();
