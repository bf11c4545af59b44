// Count the seconds of a wait, keep the LaTeX of formulas that are copied, sort a table by its heads.
(() => {
  const began = new Map(); // id of a turn -> when its question was asked

  // A patch may replace the line that says what is awaited; the seconds go on all the same.
  function tick() {
    for (const turn of document.querySelectorAll('.turn[aria-busy="true"]')) {
      if (!began.has(turn.id)) began.set(turn.id, performance.now());
      const passed = Math.floor((performance.now() - began.get(turn.id)) / 1000);
      for (const place of turn.querySelectorAll(".seconds")) {
        const text = passed ? `${passed} s` : "";
        if (place.textContent !== text) place.textContent = text;
      }
    }
    for (const id of began.keys()) {
      if (!document.querySelector(`#${id}[aria-busy="true"]`)) began.delete(id);
    }
  }
  citefold.afterPatch(tick);
  setInterval(() => {
    tick();
    for (const line of document.querySelectorAll(".waiting")) line.toggleAttribute("data-beat");
  }, 500);

  // What is copied holds a formula as it was written.
  document.addEventListener("copy", (event) => {
    const chosen = getSelection();
    if (!chosen.rangeCount || !event.clipboardData) return;
    const part = chosen.getRangeAt(0).cloneContents();
    const formulas = part.querySelectorAll("math[alttext]");
    if (!formulas.length) return;
    for (const formula of formulas) formula.replaceWith(`$${formula.getAttribute("alttext")}$`);
    event.clipboardData.setData("text/plain", part.textContent);
    event.preventDefault();
  });

  function sort(button) {
    const head = button.closest("th");
    const table = head.closest("table");
    const column = Number(button.dataset.column);
    const up = head.getAttribute("aria-sort") !== "ascending";
    for (const other of table.querySelectorAll("th")) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const order = new Intl.Collator(document.documentElement.lang, { numeric: true });
    const text = (row) => row.cells[column].textContent.trim();
    const rows = [...table.tBodies[0].rows].sort((a, b) => order.compare(text(a), text(b)) * (up ? 1 : -1));
    table.tBodies[0].append(...rows);
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest(".compared .sort");
    if (button) sort(button);
  });
})();
