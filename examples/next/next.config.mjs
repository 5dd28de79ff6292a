/** A static site, in `out`. */
export default { output: "export" };
