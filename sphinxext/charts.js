// Makes a chart live when it comes near the window. Until then, and if anything fails, it is its image.
{
  const refuse = (uri) => Promise.reject(new Error(`A chart asked for ${uri}`)); // its data are in the page
  const sanitize = (uri, { context }) =>
    context === "image" && !uri.startsWith("data:") ? refuse(uri) : Promise.resolve({ href: uri });

  const draw = async (chart) => {
    const image = chart.querySelector("img");
    const box = document.createElement("div");
    try {
      const spec = JSON.parse(chart.querySelector("script").textContent);
      const fonts = ["", "600 "].map((weight) => document.fonts.load(`${weight}1em ${spec.config.font}`));
      await Promise.all([bookLazy.load("vega.js"), Promise.allSettled(fonts)]); // Vega measures text: its font must be there
      box.style.cssText = "height: 0; overflow: hidden"; // as wide as the column, and not seen yet
      chart.append(box);
      const { view } = await vegaEmbed(box, spec, {
        actions: false,
        ast: true, // expressions are interpreted, so that the page needs no eval
        defaultStyle: false,
        loader: { load: refuse, sanitize },
        logLevel: 1, // errors only
        renderer: "svg",
        tooltip: { disableDefaultStyle: true }, // book.css has it; the page's policy takes no other
      });
      box.removeAttribute("style");
      image.remove();
      chart.dispatchEvent(new CustomEvent("chart:live", { detail: view }));
    } catch (error) {
      box.remove();
      console.error(error);
    }
    chart.removeAttribute("style"); // the room kept for the live chart
  };

  bookLazy.near(document.querySelectorAll(".vega-chart"), "300px", draw);
}
