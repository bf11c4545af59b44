// Lead from a citation to its source and back, keep what the reader opened, follow a growing answer.
// All text is placed by the server, or by language.js; this file only moves attributes, focus and scrolling.
(() => {
  let shown = null; // id of the section the reader chose; null: the newest
  let lit = null; // id of the highlighted card
  let sections = 0;
  let follow = true;
  const open = new Set();
  const $ = (id) => document.getElementById(id);

  const set = (element, name, on) => {
    if (element.hasAttribute(name) !== on) element.toggleAttribute(name, on);
  };

  function apply(panel) {
    const all = [...panel.querySelectorAll(".shelf")];
    if (all.length !== sections) {
      sections = all.length;
      shown = lit = null; // a new question brings its own sources
    }
    const current = (shown && $(shown)) || all.at(-1);
    // Only what differs is set: setting an attribute to what it is would wake the observer again, for ever.
    for (const section of all) set(section, "hidden", section !== current);
    for (const box of panel.querySelectorAll("details[id]")) set(box, "open", open.has(box.id));
    for (const card of panel.querySelectorAll(".card")) card.classList.toggle("lit", card.id === lit);
  }

  function go(id, link) {
    const target = $(id);
    if (!target) return;
    const section = target.closest(".shelf");
    if (section) {
      shown = section.id;
      lit = target === section ? null : id;
      apply($("sources"));
    }
    const goal = target.matches(".turn") ? target.querySelector(`[data-goto="${lit}"]`) || target : target;
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    goal.scrollIntoView({ behavior: calm ? "auto" : "smooth", block: goal === section ? "start" : "nearest" });
    goal.focus({ preventScroll: true });
  }

  function grow(chat) {
    const room = chat.querySelector(".turn:last-of-type");
    if (!room) return (follow = true);
    if (chat.dataset.turns !== String(chat.querySelectorAll(".turn").length)) {
      chat.dataset.turns = chat.querySelectorAll(".turn").length;
      follow = true;
      if (chat.scrollHeight <= chat.clientHeight + 1) room.scrollIntoView({ block: "nearest" });
    }
    if (follow) chat.scrollTop = chat.scrollHeight;
  }

  function attach() {
    const chat = $("chat");
    const panel = $("sources");
    if (!chat || !panel) return false;
    chat.setAttribute("role", "log");
    chat.tabIndex = 0;
    panel.setAttribute("role", "complementary");
    panel.tabIndex = 0;
    const all = { childList: true, subtree: true, characterData: true };
    new MutationObserver(() => grow(chat)).observe(chat, all);
    const attributes = { attributes: true, attributeFilter: ["hidden", "open", "id", "class"] };
    const watcher = new MutationObserver(() => apply(panel));
    watcher.observe(panel, { ...all, ...attributes });
    chat.addEventListener("scroll", () => {
      follow = chat.scrollTop + chat.clientHeight > chat.scrollHeight - 60;
    });
    return true;
  }

  document.addEventListener("click", (event) => {
    const summary = event.target.closest("#sources summary");
    const link = event.target.closest("[data-goto]");
    if (summary) {
      const box = summary.parentElement;
      box.open ? open.delete(box.id) : open.add(box.id); // before the browser toggles it
    } else if (link) {
      event.preventDefault();
      go(link.dataset.goto, link);
    }
  });
  const start = new MutationObserver(() => attach() && start.disconnect());
  start.observe(document, { childList: true, subtree: true });
})();
