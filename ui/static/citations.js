// Lead from a citation to its source and back, keep what the reader opened, follow a growing answer.
// All text is placed by the server, or by language.js; this file only moves attributes, focus and scrolling.
(() => {
  let lit = null; // id of the highlighted card
  let wanted = null; // id of a source that the server was asked for
  let follow = true;
  let turns = 0;
  const open = new Set();
  const $ = (id) => document.getElementById(id);

  // What a patch has replaced gets back what the reader opened, and the mark of the card that is read.
  function restore() {
    for (const box of document.querySelectorAll("#shelf details[id]")) box.open = open.has(box.id);
    for (const card of document.querySelectorAll("#shelf .card")) card.classList.toggle("lit", card.id === lit);
  }

  // The sources of one turn are on the page; those of another come from the server.
  function go(id) {
    const target = $(id);
    if (!target) {
      const turn = /^sources?-(\d+)/.exec(id);
      if (turn && wanted !== id) {
        wanted = id;
        citefold.act("sources", { turn: Number(turn[1]) });
      }
      return;
    }
    wanted = null;
    if (target.closest("#shelf")) {
      lit = target.matches(".card") ? id : null;
      restore();
    }
    const goal = target.matches(".turn") ? target.querySelector(`[data-goto="${lit}"]`) || target : target;
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const block = target.matches(".shelf") ? "start" : "nearest";
    goal.scrollIntoView({ behavior: calm ? "auto" : "smooth", block });
    goal.focus({ preventScroll: true });
  }

  function grow() {
    const chat = $("chat");
    const all = chat ? chat.querySelectorAll(".turn") : [];
    if (!all.length) return void (follow = true);
    if (all.length !== turns) {
      turns = all.length;
      follow = true;
      lit = null;
      if (chat.scrollHeight <= chat.clientHeight + 1) all[turns - 1].scrollIntoView({ block: "nearest" });
    }
    if (follow) chat.scrollTop = chat.scrollHeight;
  }

  citefold.afterPatch((patch) => {
    if ("turns" in patch) turns = 0;
    grow();
    restore();
    if (wanted && $(wanted)) go(wanted);
  });

  function attach() {
    const chat = $("chat");
    const panel = $("sources");
    if (!chat || !panel) return false;
    chat.setAttribute("role", "log");
    chat.tabIndex = 0;
    panel.setAttribute("role", "complementary");
    panel.tabIndex = 0;
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
      go(link.dataset.goto);
    }
  });
  const start = new MutationObserver(() => attach() && start.disconnect());
  start.observe(document, { childList: true, subtree: true });
})();
