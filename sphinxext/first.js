{ // before anything is painted: the reader's choice of colours, else the system's
  const root = document.documentElement;
  let chosen; try { chosen = localStorage.getItem("theme"); } catch { /* no storage: the system's */ }
  const dark = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  root.dataset.theme = ["light", "dark"].includes(chosen) ? chosen : dark;
  // The typefaces that set most lines, before the style sheet names them, so that none moves; a file may not ask this way.
  if (location.protocol !== "file:")
    for (const face of ["Literata-Regular", "Literata-Italic", "Literata-Bold", "Inter-SemiBold"])
      document.head.append(Object.assign(document.createElement("link"), { rel: "preload", as: "font", type: "font/woff2", crossOrigin: "",
        href: `${root.dataset.content_root}_static/fonts/${face}.woff2` }));
}
