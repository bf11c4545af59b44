// Show the card of a citation at its number: on hovering, on focus, and at the first tap on a touch screen.
// Escape closes it; Tab or the arrow down leads into it, and Escape back to the number.
(() => {
  const WAIT = 150; // ms before a hovered number shows its card, and before a left one hides it
  let shown = null; // the card that is open
  let owner = null; // the number that it belongs to
  let timer = 0;
  let within = false; // the focus is in the card
  let pointed = false; // the last focus came from a press

  const cardOf = (link) => document.getElementById(link.dataset.card);
  const soon = (call) => {
    clearTimeout(timer);
    timer = setTimeout(call, WAIT);
  };

  function place() {
    const link = owner.getBoundingClientRect();
    const gap = 8;
    const room = { width: document.documentElement.clientWidth, height: innerHeight };
    const size = { width: shown.offsetWidth, height: shown.offsetHeight };
    const left = Math.max(gap, Math.min(link.left + link.width / 2 - size.width / 2, room.width - size.width - gap));
    const below = link.bottom + gap;
    const fits = below + size.height <= room.height - gap;
    const above = link.top - gap - size.height;
    const top = fits || above < gap ? Math.max(gap, Math.min(below, room.height - size.height - gap)) : above;
    shown.style.left = `${left}px`;
    shown.style.top = `${top}px`;
  }

  function show(link) {
    clearTimeout(timer);
    const card = cardOf(link);
    if (!card || !card.showPopover) return;
    if (shown !== card) hide();
    shown = card;
    owner = link;
    if (!card.matches(":popover-open")) card.showPopover();
    link.setAttribute("aria-expanded", "true");
    place();
  }

  function hide() {
    clearTimeout(timer);
    if (owner) owner.removeAttribute("aria-expanded");
    if (shown && shown.isConnected && shown.matches(":popover-open")) shown.hidePopover();
    shown = owner = null;
    within = false;
  }

  const link = (event) => event.target.closest && event.target.closest("a.cite[data-card]");
  const inside = (target) => shown && target && shown.contains(target);

  document.addEventListener("pointerover", (event) => {
    if (event.pointerType === "touch") return;
    const over = link(event);
    if (over) soon(() => show(over));
    else if (inside(event.target)) clearTimeout(timer);
    else if (shown && !inside(document.activeElement) && document.activeElement !== owner) soon(hide);
  });
  document.addEventListener("pointerdown", (event) => {
    pointed = true;
    if (shown && !inside(event.target) && !link(event)) hide();
  });
  document.addEventListener("focusin", (event) => {
    const focused = link(event);
    within = Boolean(inside(event.target));
    if (focused && !pointed) show(focused);
    else if (shown && !inside(event.target) && event.target !== owner) hide();
    pointed = false;
  });

  document.addEventListener("keydown", (event) => {
    pointed = false;
    if (!shown) return;
    if (event.key === "Escape") {
      const back = within ? owner : null; // also when what had the focus has gone
      hide();
      if (back) {
        pointed = true; // the card stays closed
        back.focus();
      }
      event.preventDefault();
    } else if (document.activeElement === owner && (event.key === "ArrowDown" || (event.key === "Tab" && !event.shiftKey))) {
      shown.querySelector("button, a").focus();
      event.preventDefault();
    } else if (event.key === "Tab" && inside(document.activeElement)) {
      const parts = [...shown.querySelectorAll("button, a")];
      const last = parts.indexOf(document.activeElement) === (event.shiftKey ? 0 : parts.length - 1);
      if (!last) return;
      if (event.shiftKey) event.preventDefault();
      owner.focus({ preventScroll: true }); // from here the browser goes on
    }
  });

  // A finger cannot hover: the first tap shows the card, which leads to the sources.
  document.addEventListener("click", (event) => {
    const pressed = link(event);
    if (pressed && event.pointerType === "touch" && cardOf(pressed)) {
      event.preventDefault();
      event.stopPropagation();
      shown === cardOf(pressed) ? hide() : show(pressed);
    } else if (pressed || (inside(event.target) && event.target.closest("[data-goto]"))) setTimeout(hide);
  }, true);

  // Focusing a number scrolls to it: its card goes along. Any other scrolling takes a hovered card away.
  addEventListener("scroll", (event) => {
    if (!shown || inside(event.target)) return;
    document.activeElement === owner || within ? place() : hide();
  }, true);
  addEventListener("resize", hide);
  citefold.afterPatch(() => {
    if (!shown) return;
    if (!shown.isConnected || !owner.isConnected) return hide();
    place();
    if (within && !inside(document.activeElement)) shown.focus(); // what had the focus has gone
  });
})();
