export const metadata = { title: "Emoji that are alike" };

export default function Layout({ children }) {
  return (
    <html lang="en" style={{ colorScheme: "light dark" }}>
      <body style={{ maxWidth: "44rem", margin: "0 auto", fontFamily: "system-ui, sans-serif" }}>
        {children}
      </body>
    </html>
  );
}
