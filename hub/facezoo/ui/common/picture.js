// The picture input. gradio gives us: element, props (value goes to the server), trigger, upload.
const LARGEST = 50 * 1024 * 1024;
const picker = () => element.querySelector('.picker');

function busy() {
  picker()?.setAttribute('data-state', 'busy');
}

function pick(value) {
  busy();
  element.dispatchEvent(new CustomEvent('facezoo:picked', { detail: value, bubbles: true }));
  props.value = { ...value, face: '1' };
  trigger('picked');
}

async function take(file) {
  if (!file) return;
  busy();
  if (file.size > LARGEST) return pick({ problem: 'size' });
  try {
    const { path } = await upload(file);
    pick({ upload: path, name: file.name });
  } catch (error) {
    pick({ problem: 'upload' });
  }
}

element.addEventListener('change', event => {
  const input = event.target;
  if (input.type === 'file') {
    take(input.files[0]);
    input.value = '';
  } else if (input.type === 'radio') {
    const { face, personas, ...rest } = props.value;
    props.value = input.dataset.own ? { ...rest, face, personas: people() } : { ...rest, face: input.value, ...own(input.value) };
    trigger('faced');
  }
});

element.addEventListener('click', event => {
  const button = event.target.closest('button');
  if (!button) return;
  if (button.dataset.act === 'camera') openCamera();
  if (button.dataset.act === 'shoot') shoot();
  if (button.dataset.act === 'close') closeCamera();
});

// Who each face becomes: {number: persona's id, or '' to leave it alone}.
function people() {
  const chosen = element.querySelectorAll('[data-own]:checked');
  return Object.fromEntries([...chosen].map(each => [each.dataset.own, each.value]));
}

function own(face) {
  return face === 'own' ? { personas: people() } : {};
}

element.addEventListener('facezoo:take', event => pick({ ...event.detail, carried: true }));

for (const name of ['dragenter', 'dragover']) {
  element.addEventListener(name, event => {
    event.preventDefault();
    picker()?.classList.add('over');
  });
}
element.addEventListener('dragleave', event => {
  if (!element.contains(event.relatedTarget)) picker()?.classList.remove('over');
});
element.addEventListener('drop', event => {
  event.preventDefault();
  picker()?.classList.remove('over');
  take(event.dataTransfer.files[0]);
});

document.addEventListener('paste', event => {
  const shown = element.isConnected && element.offsetParent !== null;
  const first = shown && [...document.querySelectorAll('.picture-input')].find(each => each.offsetParent !== null);
  const file = event.clipboardData?.files[0];
  if (file && first && (element === first || element.contains(first) || first.contains(element))) take(file);
});

let stream = null;

async function openCamera() {
  const place = element.querySelector('.camera');
  if (!navigator.mediaDevices) return say(place, 'This browser gives the page no camera. Choose a file instead.');
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'user' } });
  } catch (error) {
    return say(place, 'The camera is not available. Allow it in the browser, or choose a file.');
  }
  const video = document.createElement('video');
  video.autoplay = true;
  video.playsInline = true;
  video.muted = true;
  video.srcObject = stream;
  place.replaceChildren(video, act('shoot', 'Take the picture'), act('close', 'Close'));
  place.hidden = false;
  place.querySelector('button').focus();
}

function act(name, words) {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'button';
  button.dataset.act = name;
  button.textContent = words;
  return button;
}

function say(place, words) {
  const line = document.createElement('p');
  line.className = 'hint';
  line.setAttribute('role', 'status');
  line.textContent = words;
  place.replaceChildren(line);
  place.hidden = false;
}

function shoot() {
  const video = element.querySelector('.camera video');
  const canvas = document.createElement('canvas');
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext('2d').drawImage(video, 0, 0);
  closeCamera();
  canvas.toBlob(blob => take(new File([blob], 'camera.png', { type: 'image/png' })), 'image/png');
}

function closeCamera() {
  stream?.getTracks().forEach(track => track.stop());
  stream = null;
  const place = element.querySelector('.camera');
  place.replaceChildren();
  place.hidden = true;
}
