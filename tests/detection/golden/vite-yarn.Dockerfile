# Node.js with Vite, detected by Seatrial
# - package.json: depends on vite, whose build leaves pages in out/web/
# - vite.config.ts: names that folder
# - yarn.lock: installed by yarn
# - package.json: has a script build: vite build

FROM node:24-slim AS build
WORKDIR /app
RUN chown node:node /app
USER node
COPY --chown=node:node package.json yarn.lock ./
RUN yarn install --frozen-lockfile
COPY --chown=node:node . .
RUN yarn run build

FROM nginx:stable
COPY --from=build /app/out/web /usr/share/nginx/html
RUN mkdir -p /etc/nginx/templates /var/cache/nginx /var/lib/nginx \
 && echo 'server { listen ${PORT}; root /usr/share/nginx/html; location ~ /[.](?!well-known) { return 404; } location / { try_files $uri $uri/ /index.html; } }' > /etc/nginx/templates/default.conf.template \
 && chown -R nginx /etc/nginx/conf.d /var/cache/nginx /var/lib/nginx /run
USER nginx
ENV PORT=8080
EXPOSE 8080
