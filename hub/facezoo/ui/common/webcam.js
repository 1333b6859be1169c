// The webcam input. gradio gives us: element, props (what Python answers), trigger, watch, server.
const WIDTH = 320; // px of the pictures that are sent; faces near a camera need no more
const root = () => element.querySelector('.webcam');
const part = name => element.querySelector(name);
let camera = null;
let owner = '';
let began = 0;
let recordingSince = 0;
let run = 0; // grows with each start and stop: an older loop ends

function state(name) {
  root().dataset.state = name;
}

function trouble(html) {
  part('.problem').innerHTML = html;
}

function words(line) {
  const problem = document.createElement('p');
  problem.className = 'hint';
  problem.setAttribute('role', 'alert');
  problem.textContent = line;
  part('.problem').replaceChildren(problem);
}

element.addEventListener('click', event => {
  const act = event.target.closest('button')?.dataset.act;
  if (act === 'start') start();
  if (act === 'record') record();
  if (act === 'finish') finish();
  if (act === 'stop') stop();
});

async function start() {
  trouble('');
  if (!navigator.mediaDevices) return words('This browser gives the page no camera. Use a clip instead.');
  state('busy');
  try {
    camera = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'user', width: 640, height: 480 } });
  } catch (error) {
    state('off');
    return words('The camera is not available. Allow it in the browser, or use a clip.');
  }
  const video = part('video');
  video.srcObject = camera;
  await video.play();
  trigger('opened');
}

watch('answer', () => {
  if (!camera) return;
  if (!props.answer.owner) {
    stop();
    return trouble(props.answer.problem || '');
  }
  owner = props.answer.owner;
  began = performance.now();
  state('live');
  part('[data-act=record]').focus({ preventScroll: true });
  run += 1;
  loop(run);
});

async function loop(mine) {
  const video = part('video');
  const canvas = document.createElement('canvas');
  canvas.width = WIDTH;
  canvas.height = Math.round((WIDTH * video.videoHeight) / video.videoWidth) || 240;
  const pencil = canvas.getContext('2d');
  let failures = 0;
  while (run === mine && camera) {
    if (!element.isConnected || element.offsetParent === null) return stop(); // another tab was opened
    if (recordingSince) await tick();
    pencil.drawImage(video, 0, 0, canvas.width, canvas.height);
    const sent = { owner, frame: canvas.toDataURL('image/jpeg', 0.8), seconds: (performance.now() - began) / 1000 };
    try {
      const told = await server.follow_webcam(sent);
      if (run !== mine) return;
      failures = told.problem === '' ? failures + 1 : 0;
      if (told.problem) {
        stop();
        return trouble(told.problem);
      }
      if (told.picture) show(told);
    } catch (error) {
      failures += 1;
      await new Promise(later => setTimeout(later, 500));
    }
    if (failures > 5) {
      stop();
      return words('The server does not answer. Start the camera again in a moment.');
    }
    await new Promise(requestAnimationFrame);
  }
}

function show(told) {
  for (const [name, address] of [['live', told.picture], ['live-drawing', told.drawing]]) {
    const image = address && document.querySelector(`#${root().dataset.target} img.${name}`);
    if (image) image.src = address;
  }
}

async function record() {
  const told = await server.begin_recording({ owner });
  if (told.problem) return trouble(told.problem);
  recordingSince = performance.now();
  state('recording');
  part('[data-act=finish]').focus({ preventScroll: true });
}

async function tick() {
  const seconds = (performance.now() - recordingSince) / 1000;
  part('.rec').textContent = `${seconds.toFixed(0)} s`;
  if (seconds > Number(root().dataset.longest) - 1) finish();
}

function finish() {
  if (!recordingSince) return;
  recordingSince = 0;
  state('live');
  part('[data-act=record]').focus({ preventScroll: true });
  trigger('recorded');
}

function stop() {
  if (recordingSince) finish();
  run += 1;
  camera?.getTracks().forEach(track => track.stop());
  camera = null;
  const video = part('video');
  if (video) video.srcObject = null;
  if (root()) state('off');
}
