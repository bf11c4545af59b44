// A change of the model in one tab is seen in the other tabs of the browser at once: where text goes.
(() => {
  if (!("BroadcastChannel" in window)) return; // they learn it with the next question
  const channel = new BroadcastChannel("citefold-settings");
  citefold.afterPatch((patch) => {
    if ("set-in-use" in patch) channel.postMessage(patch["masthead-all"]);
  });
  channel.addEventListener("message", (event) => {
    citefold.apply({ "masthead-all": event.data });
  });
})();
