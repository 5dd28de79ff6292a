"use client";

import { useEffect, useRef, useState } from "react";
import "kith-web/elements";

export function Neighbours({ pictures }) {
  const element = useRef(null);
  const [nearest, setNearest] = useState("choose a picture");
  // React attaches no `onkith-neighbours` to an element that the server has rendered.
  useEffect(() => {
    const found = ({ detail: { picture, neighbours } }) => {
      const [{ picture: other, cosine }] = neighbours;
      setNearest(`${picture.name}: ${other.name}, ${cosine.toFixed(3)}`);
    };
    const { current } = element;
    current.addEventListener("kith-neighbours", found);
    return () => current.removeEventListener("kith-neighbours", found);
  }, []);
  return (
    <>
      <kith-neighbours ref={element} src="/encoder.safetensors" k="3">
        {pictures.map(({ name, url }) => (
          <img key={url} src={url} alt={name} width={64} height={64} />
        ))}
      </kith-neighbours>
      <p>
        Nearest: <output>{nearest}</output>
      </p>
    </>
  );
}
