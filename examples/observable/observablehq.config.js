/** Without stylesheets of other servers. */
export default {
  title: "Emoji that are alike",
  root: "src",
  sidebar: false,
  search: false,
  globalStylesheets: [],
};
