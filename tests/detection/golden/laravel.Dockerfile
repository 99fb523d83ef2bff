# PHP with Laravel, detected by Seatrial
# - public/index.php: the page that answers
# - composer.json: requires Laravel
# - composer.json: asks for PHP ^8.2
# - composer.lock: names the versions that are installed
# - package.json: is not built; add a stage for it if pages lack their styles
# - composer.json: requires extensions that are not installed: gd
# - composer.json: Laravel gets a new key at each start, unless APP_KEY is set

FROM composer:2 AS vendor
WORKDIR /app
COPY composer.json composer.lock ./
RUN composer install --no-dev --no-interaction --no-scripts --no-autoloader --ignore-platform-reqs
COPY . .
RUN composer dump-autoload --no-dev --no-scripts --optimize

FROM php:8.4-apache
RUN docker-php-ext-install bcmath pdo_mysql
ENV PORT=8080
EXPOSE 8080
RUN sed -ri 's/^Listen 80$/Listen ${PORT}/' /etc/apache2/ports.conf \
 && sed -ri 's!:80>!:${PORT}>!; s!/var/www/html!/var/www/app/public!' /etc/apache2/sites-available/000-default.conf \
 && a2enmod rewrite && chown -R www-data /var/run/apache2 /var/log/apache2
WORKDIR /var/www/app
COPY --chown=www-data:www-data --from=vendor /app .
USER www-data
CMD ["sh", "-c", "export APP_KEY=\"${APP_KEY:-base64:$(head -c 32 /dev/urandom | base64)}\"; exec apache2-foreground"]
