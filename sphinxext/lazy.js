// A large script is fetched once, and only for a reader who comes near what needs it.
{
  const folder = document.currentScript.src;
  const loading = {};

  const load = (name) =>
    (loading[name] ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = new URL(name, folder).href;
      script.onload = resolve;
      script.onerror = () => reject(new Error(`Could not load ${script.src}`));
      document.head.append(script);
    }));

  const near = (elements, margin, begin) => {
    const observer = new IntersectionObserver(
      (entries) => {
        for (const { isIntersecting, target } of entries) {
          if (isIntersecting) {
            observer.unobserve(target);
            begin(target);
          }
        }
      },
      { rootMargin: margin },
    );
    elements.forEach((element) => observer.observe(element));
  };

  window.bookLazy = { load, near };
}
