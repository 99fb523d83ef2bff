"""Java: Maven or Gradle, their wrappers first; Spring Boot, Quarkus, or what a Procfile starts."""

from seatrial.detection.files import Files
from seatrial.detection.plan import PORT, Draft, Missed, Plan, Reason, listening, shell
from seatrial.detection.versions import JAVAS, tool

# The number that the build asks for, however it writes it: 17, "17", 1.8, VERSION_17.
POM = r"<(?:java\.version|maven\.compiler\.(?:release|source)|release)>\s*(?:1\.)?(\d{1,2})\s*<"
GRADLE = r"(?:JavaLanguageVersion\.of\(|(?:source|target)Compatibility\s*=\s*(?:JavaVersion\.VERSION_)?[\"']?(?:1[._])?|jvmToolchain\()(\d{1,2})"


def detect(files: Files) -> Plan | Missed | None:
    """A pom.xml or build.gradle whose build leaves one thing that can be started."""
    build = files.first("pom.xml", "build.gradle", "build.gradle.kts")
    if not build:
        return None
    draft = Draft()
    framework = next(
        (
            name
            for name, mark in (("Spring Boot", "org.springframework.boot"), ("Quarkus", "io.quarkus"))
            if mark in files.text(build)
        ),
        "",
    )
    if not framework and not files.web_process:
        return Missed(
            Reason(
                build,
                "is there, but names neither Spring Boot nor Quarkus, and there is no Procfile with web:",
            )
        )
    draft.because(build, f"names {framework}" if framework else "is built")
    version = java_version(draft, files, build)
    built(draft, files, build, framework, version)
    draft.gap()
    run(draft, files, framework, version, "target" if build == "pom.xml" else "build")
    return draft.plan("Java", framework, None if files.web_process else PORT)


def java_version(draft: Draft, files: Files, build: str) -> str:
    """The release with long support that is at least what the build asks for."""
    said, file = tool(files, "java", ".java-version")
    if not said:
        said, file = files.said(build, POM if build == "pom.xml" else GRADLE), build
    asked = int(said.removeprefix("1.").split(".")[0]) if said else 0
    draft.because(file if asked else "", f"asks for Java {asked}")
    if not asked:
        return JAVAS[0]
    return next((one for one in sorted(JAVAS, key=int) if int(one) >= asked), str(asked))


def built(draft: Draft, files: Files, build: str, framework: str, version: str) -> None:
    """Add the stage that builds."""
    maven = build == "pom.xml"
    wrapper = files.first("mvnw" if maven else "gradlew")
    tool_name, image = (
        ("mvn", f"maven:3-eclipse-temurin-{version}") if maven else ("gradle", f"gradle:jdk{version}")
    )
    draft.because(wrapper, "builds it")
    command = f"sh {wrapper}" if wrapper else tool_name
    task = "bootJar" if framework == "Spring Boot" else "build"
    steps = (
        f"{command} --batch-mode -DskipTests package" if maven else f"{command} --no-daemon {task} -x test"
    )
    draft.add(
        f"FROM {f'eclipse-temurin:{version}-jdk' if wrapper else image} AS build",
        "WORKDIR /src",
        "COPY . .",
        f"RUN {steps}",
    )


def run(draft: Draft, files: Files, framework: str, version: str, folder: str) -> None:
    """Add the stage that runs."""
    draft.add(
        f"FROM eclipse-temurin:{version}-jre",
        "WORKDIR /app",
        "RUN useradd --create-home app && chown app:app /app",
    )
    jars = "target" if folder == "target" else "build/libs"
    if command := draft.web_process(files):
        draft.add("COPY --chown=app:app --from=build /src .", "USER app", *listening(None), command)
    elif framework == "Quarkus":
        draft.add(
            f"COPY --chown=app:app --from=build /src/{folder}/quarkus-app .", "USER app", *listening(PORT)
        )
        draft.add(
            shell("exec java -Dquarkus.http.host=0.0.0.0 -Dquarkus.http.port=$PORT -jar quarkus-run.jar")
        )
    else:
        draft.add(f"COPY --chown=app:app --from=build /src/{jars}/*.jar ./", "USER app", *listening(PORT))
        draft.add(shell("exec java -Dserver.port=$PORT -jar *.jar"))
