# Node.js with express, detected by Seatrial
# - package.json: has a script start: node server.js
# - package.json: asks for Node.js >=18 <21
# - package-lock.json: installed by npm

FROM node:20-slim
WORKDIR /app
RUN chown node:node /app
USER node
COPY --chown=node:node package.json package-lock.json .npmrc ./
RUN npm ci
COPY --chown=node:node . .
ENV NODE_ENV=production
ENV PORT=8080
CMD ["npm", "run", "start"]
