// Reads a JSON list of display formulas from standard input; writes a JSON list of what KaTeX and MathJax say against
// them: [index, renderer, message].  Where the modules are: BPTRACE_NODE_MODULES, else beside this file.
const path = require("path");
const modules = process.env.BPTRACE_NODE_MODULES || path.join(__dirname, "node_modules");
const katex = require(path.join(modules, "katex"));
// on a page MathJax fetches \boldsymbol when it is met; here it is there from the beginning
const loading = require(path.join(modules, "mathjax")).init({
  loader: { load: ["input/tex", "[tex]/boldsymbol"] },
  tex: { packages: { "[+]": ["boldsymbol"] } },
});

loading.then((MathJax) => {
  const displays = JSON.parse(require("fs").readFileSync(0, "utf8"));
  const out = [];
  displays.forEach((display, k) => {
    try {
      katex.renderToString(display, { displayMode: true, strict: "error", throwOnError: true });
    } catch (error) {
      out.push([k, "KaTeX", error.message]);
    }
    try {
      MathJax.texReset();
      const found = /data-mjx-error="([^"]*)"|<merror/.exec(MathJax.tex2mml(display, { display: true }));
      if (found) out.push([k, "MathJax", found[1] || "merror"]);
    } catch (error) {
      out.push([k, "MathJax", error.message]);
    }
  });
  process.stdout.write(JSON.stringify(out));
});
