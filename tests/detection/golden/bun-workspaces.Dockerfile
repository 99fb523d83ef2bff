# Node.js, detected by Seatrial
# - package.json: has a script start: bun a/index.ts
# - bun.lock: installed by bun

FROM oven/bun:1
WORKDIR /app
RUN chown bun:bun /app
USER bun
COPY --chown=bun:bun . .
RUN bun install --frozen-lockfile
ENV NODE_ENV=production
ENV PORT=8080
CMD ["bun", "run", "start"]
