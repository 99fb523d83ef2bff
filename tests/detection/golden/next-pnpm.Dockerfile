# Node.js with Next.js, detected by Seatrial
# - package.json: depends on Next.js, and has no script start
# - .nvmrc: asks for Node.js 22
# - pnpm-lock.yaml: installed by pnpm
# - package.json: has a script build: next build

FROM node:22-slim
WORKDIR /app
RUN npm install --global pnpm@9.1.0
RUN chown node:node /app
USER node
COPY --chown=node:node package.json pnpm-lock.yaml ./
RUN pnpm install --frozen-lockfile
COPY --chown=node:node . .
RUN pnpm run build
ENV NODE_ENV=production
ENV PORT=8080
CMD ["sh", "-c", "PATH=/app/node_modules/.bin:$PATH exec next start --hostname 0.0.0.0 --port $PORT"]
