// Draws the diagrams of a page with the library beside this file, in the colours of the page.
// A page without diagrams loads nothing.

const here = document.currentScript.src;
const diagrams = [...document.querySelectorAll("pre.diagram")].map((place) => ({
  place,
  text: place.textContent,
}));

function colours() {
  return document.body.dataset.mdColorScheme === "slate" ? "dark" : "neutral";
}

async function draw() {
  window.mermaid.initialize({
    startOnLoad: false,
    securityLevel: "strict",
    theme: colours(),
    fontFamily: "system-ui, sans-serif",
    sequence: { mirrorActors: false, useMaxWidth: true },
  });
  for (const [index, { place, text }] of diagrams.entries()) {
    const { svg } = await window.mermaid.render(`diagram-${index}`, text);
    place.innerHTML = svg;
    place.dataset.drawn = colours();
  }
}

function begin() {
  const library = document.createElement("script");
  library.src = new URL("mermaid.js", here).href;
  library.addEventListener("load", () => {
    draw();
    new MutationObserver(draw).observe(document.body, {
      attributeFilter: ["data-md-color-scheme"],
    });
  });
  document.head.append(library);
}

if (diagrams.length > 0) {
  begin();
}
