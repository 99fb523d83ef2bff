# static files, detected by Seatrial
# - public/index.html: a page; nothing here says that a program makes it

FROM nginx:stable
COPY public /usr/share/nginx/html
RUN mkdir -p /etc/nginx/templates /var/cache/nginx /var/lib/nginx \
 && echo 'server { listen ${PORT}; root /usr/share/nginx/html; location ~ /[.](?!well-known) { return 404; } location / { try_files $uri $uri.html $uri/ =404; } }' > /etc/nginx/templates/default.conf.template \
 && chown -R nginx /etc/nginx/conf.d /var/cache/nginx /var/lib/nginx /run
USER nginx
ENV PORT=8080
EXPOSE 8080
