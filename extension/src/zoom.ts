/** How a picture stands in its frame: its scale, and how far it is scrolled. */
export interface Look {
  scale: number;
  left: number;
  top: number;
}

export const STEP = 1.25;
const SMALLEST = 0.2;
const LARGEST = 3;
/** Below this, the picture's smallest letters can't be read. */
const READABLE = 0.72;

/** The scale at which a picture of that width fills its frame: never larger than drawn, never too small to read. */
export function fitting(width: number, frameWidth: number): number {
  return frameWidth > 0 && width > 0 ? Math.min(1, Math.max(READABLE, frameWidth / width)) : 1;
}

/** Zoomed by a factor so that what is at (x, y) of the frame stays there. */
export function zoomed(look: Look, factor: number, x: number, y: number): Look {
  const scale = Math.min(LARGEST, Math.max(SMALLEST, look.scale * factor));
  const real = scale / look.scale;
  return { scale, left: (look.left + x) * real - x, top: (look.top + y) * real - y };
}
