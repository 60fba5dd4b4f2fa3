// What can be scrolled can be reached by keyboard: an output wider than the page becomes a stop of the Tab key.
const SCROLLABLE = "div.cell_output, div.highlight pre, div.math, .pst-scrollable-table-container";

function makeReachable() {
  for (const element of document.querySelectorAll(SCROLLABLE)) {
    const scrolls = element.scrollWidth > element.clientWidth;
    if (scrolls && !element.hasAttribute("tabindex")) {
      element.tabIndex = 0;
      element.setAttribute("role", "group");
      element.setAttribute("aria-label", "Wider than the page: scroll sideways");
    } else if (!scrolls && element.getAttribute("role") === "group") {
      element.removeAttribute("tabindex");
      element.removeAttribute("role");
      element.removeAttribute("aria-label");
    }
  }
}

window.addEventListener("load", makeReachable);
window.addEventListener("resize", makeReachable);

// A page with contents of its own has two lists of links: a screen reader tells them apart by their names.
for (const contents of document.querySelectorAll("nav.contents")) contents.setAttribute("aria-label", "Contents of this page");
