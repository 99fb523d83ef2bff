# Java with Spring Boot, detected by Seatrial
# - pom.xml: names Spring Boot
# - pom.xml: asks for Java 17
# - mvnw: builds it

FROM eclipse-temurin:17-jdk AS build
WORKDIR /src
COPY . .
RUN sh mvnw --batch-mode -DskipTests package

FROM eclipse-temurin:17-jre
WORKDIR /app
RUN useradd --create-home app && chown app:app /app
COPY --chown=app:app --from=build /src/target/*.jar ./
USER app
ENV PORT=8080
EXPOSE 8080
CMD ["sh", "-c", "exec java -Dserver.port=$PORT -jar *.jar"]
