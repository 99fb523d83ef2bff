# Java with Quarkus, detected by Seatrial
# - build.gradle.kts: names Quarkus
# - build.gradle.kts: asks for Java 21

FROM gradle:jdk21 AS build
WORKDIR /src
COPY . .
RUN gradle --no-daemon build -x test

FROM eclipse-temurin:21-jre
WORKDIR /app
RUN useradd --create-home app && chown app:app /app
COPY --chown=app:app --from=build /src/build/quarkus-app .
USER app
ENV PORT=8080
EXPOSE 8080
CMD ["sh", "-c", "exec java -Dquarkus.http.host=0.0.0.0 -Dquarkus.http.port=$PORT -jar quarkus-run.jar"]
