// The Library tab: a work is asked for when it is first opened, and what is circled on the map is chosen.
(() => {
  // A room lays itself out when it is first seen, so that the buttons inside come a moment after its own.
  const PRESS_TRIES = 120; // frames

  const press = ([id, ...more], tries = PRESS_TRIES) => {
    const button = document.getElementById(`${id}-button`);
    if (!button) {
      if (tries) requestAnimationFrame(() => press([id, ...more], tries - 1));
      return;
    }
    button.click();
    if (more.length) requestAnimationFrame(() => press(more));
  };

  // A <details> does not bubble its toggle; capture sees it.
  document.addEventListener("toggle", (event) => {
    const box = event.target;
    if (!box.open || !box.dataset || !box.dataset.work || box.dataset.asked) return;
    box.dataset.asked = "1";
    citefold.act("work", { id: box.dataset.work });
  }, true);

  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-opens]");
    if (opener) press(opener.dataset.opens.split(" "));
    if (event.target.closest('[data-do="ask_these"]')) {
      press(["room-ask"]);
      setTimeout(() => document.querySelector("#question textarea").focus(), 100);
    }
  });

  function wire(plot) {
    plot.dataset.wired = "1";
    const choose = (event) => {
      const ids = event && event.points ? event.points.map((point) => point.customdata) : [];
      if (ids.length) citefold.act("choose", { ids });
    };
    plot.on("plotly_selected", choose);
    plot.on("plotly_click", choose);
  }

  new MutationObserver(() => {
    const plot = document.querySelector("#map .js-plotly-plot:not([data-wired])");
    if (plot && plot.on) wire(plot);
    const filters = document.querySelector("#lib-filters details.filters[open]:not([data-seen])");
    if (filters) {
      filters.dataset.seen = "1"; // on a narrow window the filters stand above the list: closed at first
      if (matchMedia("(max-width: 899px)").matches) filters.open = false;
    }
  }).observe(document, { childList: true, subtree: true });
})();
