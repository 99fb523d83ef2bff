# PHP, detected by Seatrial
# - index.php: the page that answers

FROM php:8.4-apache
ENV PORT=8080
EXPOSE 8080
RUN sed -ri 's/^Listen 80$/Listen ${PORT}/' /etc/apache2/ports.conf \
 && sed -ri 's!:80>!:${PORT}>!' /etc/apache2/sites-available/000-default.conf \
 && a2enmod rewrite && chown -R www-data /var/run/apache2 /var/log/apache2
WORKDIR /var/www/html
COPY --chown=www-data:www-data . .
USER www-data
