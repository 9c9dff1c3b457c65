// Shapes by which statuses and kinds of agents are told apart without colour.

const POINTS: Record<string, [number, number][]> = {
  square: [[-0.85, -0.85], [0.85, -0.85], [0.85, 0.85], [-0.85, 0.85]],
  diamond: [[0, -1.35], [0.9, 0], [0, 1.35], [-0.9, 0]],
  triangle: [[0, -1.15], [1.1, 0.85], [-1.1, 0.85]],
  wedge: [[-1.1, -0.85], [1.1, -0.85], [0, 1.15]],
  dash: [[-1.1, -0.3], [1.1, -0.3], [1.1, 0.3], [-1.1, 0.3]],
  plus: [[-0.35, -1.1], [0.35, -1.1], [0.35, -0.35], [1.1, -0.35], [1.1, 0.35], [0.35, 0.35], [0.35, 1.1], [-0.35, 1.1],
    [-0.35, 0.35], [-1.1, 0.35], [-1.1, -0.35], [-0.35, -0.35]],
};
POINTS["times"] = (POINTS["plus"] ?? []).map(([x, y]) => [(x - y) * Math.SQRT1_2, (x + y) * Math.SQRT1_2]);
POINTS["star"] = Array.from({ length: 10 }, (_, n) => {
  const [angle, far] = [(n * Math.PI) / 5, n % 2 ? 0.55 : 1.3];
  return [far * Math.sin(angle), -far * Math.cos(angle)];
});

/** Returns the path of a shape around the origin; a circle where there is none of that name. */
export function shape(name: string, r: number): string {
  const points = POINTS[name];
  if (!points) return `M${-r} 0A${r} ${r} 0 1 0 ${r} 0A${r} ${r} 0 1 0 ${-r} 0Z`;
  return `M${points.map(([x, y]) => `${(x * r).toFixed(2)} ${(y * r).toFixed(2)}`).join("L")}Z`;
}
